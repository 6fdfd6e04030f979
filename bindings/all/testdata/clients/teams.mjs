import assert from 'node:assert/strict'
import { BatchRequestContent, BatchResponseContent, Client, PageIterator } from '@microsoft/microsoft-graph-client'
import { run } from './check.mjs'

const base = process.argv[2]
const graph = Client.init({
  baseUrl: `${base}/`, authProvider: (done) => done(null, 'sandbox-token'), customHosts: new Set(['127.0.0.1']),
})

await run({
  'the own user': async () => assert.ok((await graph.api('/me').get()).id),
  '$select': async () => {
    const me = await graph.api('/me').select(['id', 'displayName']).get()
    assert.deepEqual(Object.keys(me).filter((name) => !name.startsWith('@')).sort(), ['displayName', 'id'])
    const { value } = await graph.api('/me/joinedTeams').select('displayName').get()
    assert.deepEqual(Object.keys(value[0]).filter((name) => !name.startsWith('@')), ['displayName'])
  },
  'all pages of a list': async () => {
    const first = await graph.api('/chats').top(1).get()
    let chats = 0
    await new PageIterator(graph, first, () => { chats++; return true }).iterate()
    assert.ok(chats > 0)
  },
  '$batch': async () => {
    const content = new BatchRequestContent([
      { id: '1', request: new Request('https://graph.microsoft.com/me') },
      { id: '2', request: new Request('https://graph.microsoft.com/chats/none/messages') },
    ])
    const answers = new BatchResponseContent(await graph.api('/$batch').post(await content.getContent()))
    assert.ok((await answers.getResponseById('1').json()).id)
    assert.equal(answers.getResponseById('2').status, 404)
  },
  'a message': async () => {
    const [chat] = (await graph.api('/chats').get()).value
    const sent = await graph.api(`/chats/${chat.id}/messages`).post({ body: { content: 'Hi' } })
    assert.equal(sent.body.content, 'Hi')
  },
})
