import assert from 'node:assert/strict'
import { WebClient } from '@slack/web-api'
import { run } from './check.mjs'

const base = `${process.argv[2]}/slack/`
const slack = new WebClient('sandbox-token', { slackApiUrl: base, retryConfig: { retries: 0 } })
const get = async (path, headers) => (await fetch(base + path, { headers })).json()
const post = async (path, form, headers = {}) =>
  (await fetch(base + path, { method: 'POST', headers, body: new URLSearchParams(form) })).json()

await run({
  'auth.test': async () => assert.equal((await slack.auth.test()).team_id, 'T0SANDBOX01'),
  'a message with blocks': async () => {
    const sent = await slack.chat.postMessage({
      channel: 'C0GENERAL01', text: 'Hi', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'Hi' } }],
    })
    const changed = await slack.chat.update({ channel: sent.channel, ts: sent.ts, text: 'Hello' })
    assert.equal(changed.text, 'Hello')
    const read = await slack.conversations.history({ channel: sent.channel, limit: 1 })
    assert.equal(read.messages[0].ts, sent.ts)
    await slack.reactions.add({ channel: sent.channel, timestamp: sent.ts, name: 'thumbsup' })
    await slack.chat.delete({ channel: sent.channel, ts: sent.ts })
  },
  'pages of a list': async () => {
    let channels = 0
    for await (const page of slack.paginate('conversations.list', { limit: 1 })) channels += page.channels.length
    assert.ok(channels > 1)
  },
  'a file': async () => {
    const done = await slack.filesUploadV2({ channel_id: 'C0GENERAL01', filename: 'a.txt', content: 'text' })
    assert.equal(done.files[0].files[0].name, 'a.txt')
  },
  'a view': async () => {
    const home = await slack.views.publish({ user_id: 'U0SANDADA01', view: { type: 'home', blocks: [] } })
    assert.equal(home.view.type, 'home')
  },
  'GET with a token in the header': async () =>
    assert.ok((await get('conversations.list?limit=2', { Authorization: 'Bearer sandbox-token' })).ok),
  'GET with a token in the query': async () => assert.ok((await get('conversations.info?channel=C0GENERAL01&token=sandbox-token')).ok),
  'a form with its token': async () => {
    const sent = await post('chat.postMessage', { token: 'sandbox-token', channel: 'C0GENERAL01', text: 'Hi' })
    assert.equal(sent.message?.text, 'Hi', JSON.stringify(sent))
  },
  'a wrong token in a form': async () => assert.equal((await post('auth.test', { token: 'wrong' })).error, 'invalid_auth'),
  'every method of the client': async () => {
    const missing = []
    let methods = 0
    const walk = async (at, path) => {
      for (const [name, value] of Object.entries(at)) {
        const method = [...path, name].join('.')
        if (typeof value === 'object' && value !== null) await walk(value, [...path, name])
        else if (typeof value === 'function' && method !== 'files.uploadV2') {
          methods++
          await value({}).catch((error) => { if (error.data?.error === 'unknown_method') missing.push(method) })
        }
      }
    }
    const quiet = new WebClient('sandbox-token', { slackApiUrl: base, retryConfig: { retries: 0 }, logLevel: 'error' })
    for (const family of ['admin', 'agents', 'blocks', 'chat', 'conversations', 'files', 'slackLists', 'users', 'views', 'workflows']) {
      await walk(quiet[family], [family])
    }
    assert.ok(methods > 150, `${methods} methods`)
    assert.deepEqual(missing, [])
  },
  'oauth.v2.access': async () => {
    const access = (form) => new WebClient(undefined, { slackApiUrl: base, retryConfig: { retries: 0 } }).oauth.v2.access(form)
    const back = 'https://localhost/callback'
    const consent = new URLSearchParams({
      client_id: 'sandbox-client', scope: 'chat:write,channels:read', redirect_uri: back, response_type: 'code', state: 's',
    })
    consent.delete('response_type')
    const page = await fetch(`${base}oauth/authorize?${consent}`, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ decision: 'allow' }),
    })
    const code = new URL(page.headers.get('location')).searchParams.get('code')
    const granted = await access({ client_id: 'sandbox-client', client_secret: 'sandbox-secret', code, redirect_uri: back })
    assert.equal(granted.team.id, 'T0SANDBOX01')
    assert.equal(granted.token_type, 'bot')
    const own = new WebClient(granted.access_token, { slackApiUrl: base, retryConfig: { retries: 0 } })
    assert.ok((await own.conversations.list()).ok)
    const next = await access({
      client_id: 'sandbox-client', client_secret: 'sandbox-secret', grant_type: 'refresh_token', refresh_token: granted.refresh_token,
    })
    assert.notEqual(next.access_token, granted.access_token)
    await assert.rejects(access({ client_id: 'sandbox-client', client_secret: 'wrong', code }), /bad_client_secret/)
  },
})
