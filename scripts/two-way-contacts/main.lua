-- Contacts in HighLevel and clients in Qonto are synchronised in both directions,
-- for any number of locations: accounts: in the configuration maps HighLevel
-- locations to Qonto accounts.
--
-- Of an event only the id of the changed record is used, since events arrive late,
-- twice and in any order. Both records of a pair are always read again and compared
-- with the values of their last synchronisation.
local highlevel = require "highlevel"
local qonto     = require "qonto"

-- The synchronised fields, by their names in the two apps. The lists of both apps
-- have these fields, so a change is found even if its webhook was lost.
local fields = {
  { contact = "firstName", client = "first_name" },
  { contact = "lastName",  client = "last_name" },
  { contact = "email",     client = "email" },
  { contact = "city",      client = "city" },
}

-- values returns these fields of a contact or client; "" for a missing one.
local function values(record, side)
  local all = {}
  for _, field in ipairs(fields) do
    local value = text.trim(record[field[side]] or "")
    if field.contact == "email" then value = string.lower(value) end
    all[field.contact] = value
  end
  return all
end

-- named returns values by the field names of one side.
local function named(all, side)
  local out = {}
  for _, field in ipairs(fields) do
    if all[field.contact] ~= "" then out[field[side]] = all[field.contact] end
  end
  return out
end

-- call_existing calls an operation on one record; nil if it no longer exists.
local function call_existing(operation, args)
  local answer, err = try(operation, args)
  if answer then return answer end
  if err.kind ~= "not_found" then error(err, 0) end
end

local function contact_of(id) return (call_existing(highlevel.contacts.get, { contactId = id }) or {}).contact end
local function client_of(id) return (call_existing(qonto.clients.get, { id = id }) or {}).client end

-- Qonto requires both names, pairs are found by email, and companies are not
-- synchronised.
local function complete(record, all)
  return record.kind ~= "company" and all.email ~= "" and all.firstName ~= "" and all.lastName ~= ""
end

-- Both records of a new pair may have changed already, so they are compared.
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
  state.put("alike:" .. id, now) -- before the client exists: it may be changed at once
  local new = named(now, "client")
  new.kind = "individual"
  links.put("highlevel.contact", id, "qonto.client", qonto.clients.create(new).client.id)
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
  local new = named(now, "contact")
  new.source = "Qonto"
  links.put("qonto.client", id, "highlevel.contact", highlevel.contacts.upsert(new).contact.id)
end)

-- remove deletes the other record of a pair and the link if one no longer exists.
local function remove(contact_id, client_id, contact, client)
  if contact then call_existing(highlevel.contacts.delete, { contactId = contact_id }) end
  if client then call_existing(qonto.clients.delete, { id = client_id }) end
  links.remove("highlevel.contact", contact_id, "qonto.client")
  state.delete("alike:" .. contact_id)
  state.delete("alike:" .. client_id)
end

-- changed_meanwhile reports whether a field that was not sent has another value in
-- the answer than when it was read: a person or app changed it in between.
local function changed_meanwhile(answer, side, read, sent)
  if not answer then return false end
  local is = values(answer, side)
  for _, field in ipairs(fields) do
    if sent[field[side]] == nil and is[field.contact] ~= read[field.contact] then return true end
  end
  return false
end

-- A pair is handled by one run at a time, for changes of both sides; changes
-- within two seconds are handled together.
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
    -- If both sides changed, HighLevel's value is used.
    now[name] = mine ~= was and mine or theirs
    if mine ~= now[name] then to_contact[name] = now[name] end
    if theirs ~= now[name] then to_client[field.client] = now[name] end
  end
  local again = false
  if next(to_contact) then
    to_contact.contactId = contact_id
    local answer = call_existing(highlevel.contacts.update, to_contact)
    again = not answer or changed_meanwhile(answer.contact, "contact", left, to_contact)
  end
  if next(to_client) then
    to_client.id = client_id
    local answer = call_existing(qonto.clients.update, to_client)
    again = again or not answer or changed_meanwhile(answer.client, "client", right, to_client)
  end
  state.put("alike:" .. contact_id, now)
  if again then emit("contacts.pair", event.data) end
end)
