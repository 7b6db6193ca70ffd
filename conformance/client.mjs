// The suite's tests through one cache as its own command runs them, but not all at once, and with
// time for what is stored to be there. Prints the results, or of one test what was said in it.
//
//   node client.mjs FOLDER_OF_THE_SUITE BASE_URL [ID]
import path from 'node:path'
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

// The suite asks again as soon as it has an answer. A store behind a cache may take longer, and a
// cache that lets no client wait for it is not at fault.
const SETTLE_MILLISECONDS = 250
// A store that is met by a hundred requests in the same moment lags, and then sidekick goes on
// without it, as it should.
const PARALLEL = 50

const [folder, base, id] = process.argv.slice(2)
const part = name => import(pathToFileURL(path.resolve(folder, name)))
const { runTests, getResults } = await part('client/runner.mjs')
const { default: groups } = await part('tests/index.mjs')
const fetch = createRequire(path.resolve(folder, 'cli.mjs'))('node-fetch')

async function fetchSettled (url, init) {
  if (url.startsWith(`${base}/test/`)) await pause(SETTLE_MILLISECONDS)
  return fetch(url, init)
}

let chosen = groups
if (id) {
  const test = groups.flatMap(group => group.tests).find(test => test.id === id)
  if (!test) throw new Error(`the suite has no test ${id}`)
  chosen = [{ tests: [{ ...test, dump: true }] }]
}
await runTests(chosen, fetchSettled, false, base, PARALLEL)
console.log(JSON.stringify(getResults()))
