import assert from 'node:assert/strict'
import { auth, calendar } from '@googleapis/calendar'
import { run } from './check.mjs'

const signedIn = new auth.OAuth2()
signedIn.setCredentials({ access_token: 'sandbox-token' })
const google = calendar({ version: 'v3', auth: signedIn, rootUrl: `${process.argv[2]}/` })
const calendarId = 'primary'
const event = (more) => ({
  summary: 'Visit', start: { dateTime: '2026-03-01T09:00:00Z' }, end: { dateTime: '2026-03-01T10:00:00Z' }, ...more,
})

await run({
  'lists of calendars': async () => assert.ok((await google.calendarList.list()).data.items.length > 0),
  'attendees': async () => {
    const made = (await google.events.insert({ calendarId, requestBody: event({ attendees: [{ email: 'bob@client.example' }] }) })).data
    assert.equal(made.attendees[0].email, 'bob@client.example')
    assert.equal(made.attendees[0].responseStatus, 'needsAction')
    assert.equal(made.organizer.self, true)
    const changed = await google.events.patch({
      calendarId, eventId: made.id, sendUpdates: 'none',
      requestBody: { attendees: [{ email: 'bob@client.example', responseStatus: 'accepted' }, { email: 'eve@client.example', optional: true }] },
    })
    assert.deepEqual(changed.data.attendees.map((a) => a.responseStatus), ['accepted', 'needsAction'])
    const read = (await google.events.get({ calendarId, eventId: made.id, maxAttendees: 1 })).data
    assert.equal(read.attendeesOmitted, true) // the own one is not among them
    assert.equal(read.attendees.length, 0)
    await google.events.delete({ calendarId, eventId: made.id })
  },
  'sync tokens': async () => {
    const first = await google.events.list({ calendarId })
    const next = await google.events.list({ calendarId, syncToken: first.data.nextSyncToken })
    assert.equal(next.data.items.length, 0)
  },
})
