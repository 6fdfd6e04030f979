-- A note that asks for a follow-up becomes a task under the same contact.
local highlevel = require "highlevel"

local function wants_follow_up(note)
  return string.find(string.lower(note.body or ""), "follow[%s-]?up") ~= nil
end

on("highlevel.note.created", {
  echo  = true, -- also for notes that scripts write
  where = function(event) return wants_follow_up(event.data) end,
}, function(event)
  local note = event.data
  highlevel.contacts.create_task {
    contactId = note.contactId,
    title     = "Follow up",
    body      = note.body,
    dueDate   = time.after(params.due),
    completed = false,
  }
end)
