import { expect, it } from 'vitest'
import { createPrefixedLog } from './log.ts'

const LINE = '{"level":40,"time":"2026-01-31T10:14:07.311Z","name":"gateway","msg":"slow upstream","latencyMs":912}'

function written(format: 'text' | 'json', color: boolean, name: string, line: string): string {
  let text = ''
  createPrefixedLog({ format, color, write: (chunk) => (text += chunk) })(name, line)
  return text
}

it('writes the process’s name before each line, and makes pino’s readable', () => {
  expect(written('text', false, 'gateway-1', LINE)).toBe(
    'gateway-1     | [10:14:07.311] WARN: slow upstream {"latencyMs":912}\n',
  )
  expect(written('text', false, 'connections', 'plain text')).toBe('connections   | plain text\n')
})

it('writes the service’s name where a process runs several', () => {
  const line = LINE.replace('"gateway"', '"usage"')
  expect(written('text', false, 'control-plane', line)).toBe(
    'usage         | [10:14:07.311] WARN: slow upstream {"latencyMs":912}\n',
  )
})

it('shows the message of an error, not its stack', () => {
  const line = JSON.stringify({
    level: 60,
    msg: 'could not start',
    err: { type: 'Error', message: 'no NATS', stack: 'at …' },
  })
  expect(written('text', false, 'usage', line)).toBe(
    'usage         | FATAL: could not start {"err":"Error: no NATS"}\n',
  )
})

it('colors names and levels on request', () => {
  expect(written('text', true, 'usage', LINE)).toMatch(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colors begin with one
    /^\u001b\[36mgateway {7}\|\u001b\[39m \[10:14:07\.311\] \u001b\[33mWARN\u001b\[39m: .*slow upstream/,
  )
})

it('writes only JSON lines in the JSON format', () => {
  expect(written('json', false, 'gateway-1', LINE)).toBe(`${LINE}\n`)
  expect(JSON.parse(written('json', false, 'start', 'Stopping'))).toMatchObject({
    level: 30,
    name: 'start',
    msg: 'Stopping',
  })
  expect(JSON.parse(written('json', false, 'usage', '{broken'))).toMatchObject({ name: 'usage', msg: '{broken' })
})
