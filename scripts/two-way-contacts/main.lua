-- Contacts in HighLevel and clients in Qonto are kept alike, both ways, with
-- any number of locations: accounts: in the configuration says which HighLevel
-- location goes with which Qonto account.
--
-- Nothing is taken from the events but whose record changed: they come late,
-- twice and in any order. A pair of records is always read as it is on both
-- sides and compared with what it was when it was last alike.
local highlevel = require "highlevel"
local qonto     = require "qonto"

-- What is kept alike, under the names that the two apps have for it: fields
-- that both apps' lists show, so that a change is found whose webhook was lost.
local fields = {
  { contact = "firstName", client = "first_name" },
  { contact = "lastName",  client = "last_name" },
  { contact = "email",     client = "email" },
  { contact = "city",      client = "city" },
}

-- values gives what a contact or client has in these fields, "" for nothing.
local function values(record, side)
  local all = {}
  for _, field in ipairs(fields) do
    local value = text.trim(record[field[side]] or "")
    if field.contact == "email" then value = string.lower(value) end
    all[field.contact] = value
  end
  return all
end

-- named gives values the names of one side.
local function named(all, side)
  local out = {}
  for _, field in ipairs(fields) do
    if all[field.contact] ~= "" then out[field[side]] = all[field.contact] end
  end
  return out
end

-- there calls an operation about one record; nil where that is gone.
local function there(operation, args)
  local answer, err = try(operation, args)
  if answer then return answer end
  if err.kind ~= "not_found" then error(err, 0) end
end

local function contact_of(id) return (there(highlevel.contacts.get, { contactId = id }) or {}).contact end
local function client_of(id) return (there(qonto.clients.get, { id = id }) or {}).client end

-- Qonto wants both names, and pairs are found by email; and companies are
-- others' business.
local function complete(record, all)
  return record.kind ~= "company" and all.email ~= "" and all.firstName ~= "" and all.lastName ~= ""
end

-- Two records that became a pair may have changed on both sides already.
local function pair(contact_id, client_id)
  local other = links.get("highlevel.contact", contact_id, "qonto.client") or links.get("qonto.client", client_id, "highlevel.contact")
  if other and other ~= client_id and other ~= contact_id then
    return log.warn("one of the two belongs to another pair; they are left alone", { contact = contact_id, client = client_id, other = other })
  end
  if not other then links.put("highlevel.contact", contact_id, "qonto.client", client_id) end
  emit("contacts.pair", { contact = contact_id, client = client_id })
end

on({ "highlevel.contact.created", "highlevel.contact.updated", "highlevel.contact.deleted" }, { name = "contact" }, function(event)
  local id    = event.data.id
  local known = links.get("highlevel.contact", id, "qonto.client")
  if known then return emit("contacts.pair", { contact = id, client = known }) end

  local contact = contact_of(id)
  if not contact then return log.info("the contact is gone and never had a client", { contact = id }) end
  local now = values(contact, "contact")
  if not complete(contact, now) then return log.info("the contact waits for names and an email", { contact = id }) end

  for client in each(qonto.clients.list, { filter = { email = now.email } }, { limit = 1 }) do
    return pair(id, client.id)
  end
  state.put("alike:" .. id, now) -- before the client is there: it may be changed at once
  local fresh = named(now, "client")
  fresh.kind = "individual"
  links.put("highlevel.contact", id, "qonto.client", qonto.clients.create(fresh).client.id)
end)

on({ "qonto.client.created", "qonto.client.updated", "qonto.client.deleted" }, { name = "client" }, function(event)
  local id    = event.data.id
  local known = links.get("qonto.client", id, "highlevel.contact")
  if known then return emit("contacts.pair", { contact = known, client = id }) end

  local client = client_of(id)
  if not client then return log.info("the client is gone and never had a contact", { client = id }) end
  local now = values(client, "client")
  if not complete(client, now) then return log.info("the client is a company, or waits for names and an email", { client = id }) end

  local same = { field = "email", operator = "eq", value = now.email }
  for contact in each(highlevel.contacts.search, { filters = { same } }, { limit = 1 }) do
    return pair(contact.id, id)
  end
  state.put("alike:" .. id, now)
  local fresh = named(now, "contact")
  fresh.source = "Qonto"
  links.put("qonto.client", id, "highlevel.contact", highlevel.contacts.upsert(fresh).contact.id)
end)

-- remove ends a pair of which one record is gone.
local function remove(contact_id, client_id, contact, client)
  if contact then there(highlevel.contacts.delete, { contactId = contact_id }) end
  if client then there(qonto.clients.delete, { id = client_id }) end
  links.remove("highlevel.contact", contact_id, "qonto.client")
  state.delete("alike:" .. contact_id)
  state.delete("alike:" .. client_id)
end

-- moved says whether an answer shows a field otherwise than it was read, though
-- it was not sent: somebody changed it in between.
local function moved(answer, side, read, sent)
  if not answer then return false end
  local is = values(answer, side)
  for _, field in ipairs(fields) do
    if sent[field[side]] == nil and is[field.contact] ~= read[field.contact] then return true end
  end
  return false
end

-- One pair at a time, whichever side the change came from; changes that come
-- together are one.
on("emit:contacts.pair", { name = "pair", lane = "contact", debounce = "2s" }, function(event)
  local contact_id, client_id = event.data.contact, event.data.client
  local contact, client = contact_of(contact_id), client_of(client_id)
  if not contact or not client then return remove(contact_id, client_id, contact, client) end

  local before = state.get("alike:" .. contact_id) or state.get("alike:" .. client_id) or {}
  local left, right = values(contact, "contact"), values(client, "client")
  local now, to_contact, to_client = {}, {}, {}
  for _, field in ipairs(fields) do
    local name = field.contact
    local mine, theirs, was = left[name], right[name], before[name] or ""
    -- Where both sides changed, HighLevel's wins.
    now[name] = mine ~= was and mine or theirs
    if mine ~= now[name] then to_contact[name] = now[name] end
    if theirs ~= now[name] then to_client[field.client] = now[name] end
  end
  local again = false
  if next(to_contact) then
    to_contact.contactId = contact_id
    local answer = there(highlevel.contacts.update, to_contact)
    again = not answer or moved(answer.contact, "contact", left, to_contact)
  end
  if next(to_client) then
    to_client.id = client_id
    local answer = there(qonto.clients.update, to_client)
    again = again or not answer or moved(answer.client, "client", right, to_client)
  end
  state.put("alike:" .. contact_id, now)
  if again then emit("contacts.pair", event.data) end
end)
