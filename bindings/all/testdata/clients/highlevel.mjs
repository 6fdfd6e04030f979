import assert from 'node:assert/strict'
import { HighLevel } from '@gohighlevel/api-client'
import { run } from './check.mjs'

const base = `${process.argv[2]}/highlevel`
const locationId = 'sandboxLocation00001'
HighLevel.BASE_URL = base
const crm = new HighLevel({ privateIntegrationToken: 'sandbox-token' })

await run({
  'a location': async () => assert.equal((await crm.locations.getLocation({ locationId })).location.id, locationId),
  'a contact': async () => {
    const made = await crm.contacts.createContact({ locationId, firstName: 'Ada', email: 'ada.client@sandbox.example' })
    const read = await crm.contacts.getContact({ contactId: made.contact.id })
    assert.equal(read.contact.firstName, 'Ada')
    await crm.contacts.updateContact({ contactId: made.contact.id }, { lastName: 'Byron' })
    const found = await crm.contacts.getContacts({ locationId, limit: 5 })
    assert.ok(found.contacts.some((c) => c.id === made.contact.id))
    const task = await crm.contacts.createTask({ contactId: made.contact.id }, { title: 'Call', dueDate: '2026-03-01T09:00:00Z', completed: false })
    assert.equal(task.task.title, 'Call')
    await crm.contacts.deleteContact({ contactId: made.contact.id })
  },
  'lists in a query': async () => {
    const made = await crm.calendars.createCalendar({ locationId, name: 'Visits' })
    const slots = await crm.calendars.getSlots({
      calendarId: made.calendar.id, startDate: 1772323200000, endDate: 1772409600000, userIds: ['u1', 'u2'],
    })
    assert.equal(typeof slots, 'object')
    assert.ok((await crm.products.listInvoices({ locationId, productIds: ['p1'], expand: ['tax'] })).products)
  },
  'chat widgets and files': async () => {
    await crm.chatWidget.listChatWidgets({ locationId, offset: '0', limit: '10' })
    await assert.rejects(crm.files.getFileBySlug({ slug: 'none' }), /not found/)
  },
  'pipelines and opportunities': async () => assert.ok(Array.isArray((await crm.opportunities.getPipelines({ locationId })).pipelines)),
})
