// What the suite itself says of the results on standard input: a verdict for each of its tests.
//
//   node judge.mjs FOLDER_OF_THE_SUITE < results.json
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const part = name => import(pathToFileURL(path.resolve(process.argv[2], name)))
// This list lacks the group about Surrogate-Control, which no RFC has: it is for CDNs.
const { default: groups } = await part('tests/index.mjs')
const { determineTestResult } = await part('lib/display.mjs')

// The site knows its verdicts by these signs only.
const VERDICTS = {
  '✅': 'passed',
  '⛔️': 'failed',
  '⚠️': 'failed',
  Y: 'yes',
  N: 'no',
  '🔹': 'setup failed',
  '⁉️': 'harness failed',
  '⚪️': 'dependency failed',
  '↻': 'retried',
  '-': 'untested'
}

const results = JSON.parse(fs.readFileSync(0, 'utf8'))
// Of the tests that the suite has for browsers only there is no result.
const tests = groups.flatMap(group => group.tests).filter(test => !test.browser_only)
const verdicts = tests.map(test => {
  const sign = determineTestResult(groups, test.id, results)[2]
  if (!(sign in VERDICTS)) throw new Error(`${test.id}: the suite has a new verdict, ${sign}`)
  return {
    id: test.id,
    kind: test.kind ?? 'required',
    verdict: VERDICTS[sign],
    message: Array.isArray(results[test.id]) ? results[test.id].join(': ') : '',
    depends_on: test.depends_on ?? []
  }
})
console.log(JSON.stringify(verdicts))
