import { expect, test } from 'vitest'
import { mentionsIn } from './mentions.ts'

test.each([
  ['{"id":"a","choices":[],"usage":{"prompt_tokens":1}}', { usage: 1, besideUsage: 0, error: 0 }],
  ['{"error":null,"tool_usage":{},"usage":{},"usage_breakdown":{}}', { usage: 1, besideUsage: 2, error: 1 }],
  ['{"__type":"ThrottlingException"}', { usage: 0, besideUsage: 0, error: 1 }],
  // What a text quotes has a backslash before its second quote.
  ['{"content":"the \\"usage\\" and the \\"error\\" of it"}', { usage: 0, besideUsage: 0, error: 0 }],
  ['{"usage_tokens":1,"errors":[],"last_error":1}', { usage: 0, besideUsage: 0, error: 0 }],
])('counts the names in %s', (text, mentions) => {
  expect(mentionsIn(text)).toEqual(mentions)
  // A search does not begin where the last one ended.
  expect(mentionsIn(text)).toEqual(mentions)
})

test('takes a text with many of one name to have many of each', () => {
  const { usage, besideUsage, error } = mentionsIn(`[${'{"usage":1},'.repeat(10_000)}{"error":{}}]`)
  expect(Math.min(usage, besideUsage, error)).toBeGreaterThan(1)
})
