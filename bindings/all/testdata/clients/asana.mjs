import assert from 'node:assert/strict'
import Asana from 'asana'
import { run } from './check.mjs'

const client = Asana.ApiClient.instance
client.basePath = `${process.argv[2]}/asana`
client.authentications.token.accessToken = 'sandbox-token'
const workspace = '1200000000000001'
const tasks = new Asana.TasksApi()
const projects = new Asana.ProjectsApi()

await run({
  'the own user': async () => assert.ok((await new Asana.UsersApi().getUser('me', {})).data.gid),
  'all pages of a list': async () => {
    const project = (await projects.createProject({ data: { name: 'Pages', workspace } }, {})).data.gid
    for (const name of ['one', 'two', 'three']) await tasks.createTask({ data: { name, projects: [project] } }, {})
    let page = await tasks.getTasksForProject(project, { limit: 2 })
    const names = page.data.map((task) => task.name)
    assert.equal(page._response.next_page.path, `/projects/${project}/tasks?limit=2&offset=${encodeURIComponent(page._response.next_page.offset)}`)
    for (page = await page.nextPage(); page.data; page = await page.nextPage()) names.push(...page.data.map((task) => task.name))
    assert.deepEqual(names.sort(), ['one', 'three', 'two'])
  },
  'a task': async () => {
    const made = await tasks.createTask({ data: { name: 'Call', workspace } }, { opt_fields: 'name,completed' })
    await tasks.updateTask({ data: { completed: true } }, made.data.gid, {})
    assert.equal((await tasks.getTask(made.data.gid, { opt_fields: 'completed' })).data.completed, true)
    await tasks.deleteTask(made.data.gid)
  },
})
