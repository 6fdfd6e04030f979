// Runs the checks of one client one after the other, and prints a line for each.
// The process exits with 1 if one of them failed.
export async function run(checks) {
  let failed = false
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
      console.log(`ok ${name}`)
    } catch (error) {
      failed = true
      const answer = error.response?.data ?? error.response?.body ?? error.data ?? error.body
      console.log(`FAILED ${name}: ${error.message} ${answer ? JSON.stringify(answer) : ''}`)
    }
  }
  process.exit(failed ? 1 : 0)
}
