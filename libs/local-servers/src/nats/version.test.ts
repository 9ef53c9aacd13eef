import { expect, it } from 'vitest'
import { isNewEnough, parseNatsVersion, versionText } from './version.ts'

it.each([
  ['nats-server: v2.9.10', '2.9.10', false],
  ['nats-server: v2.9.25\n', '2.9.25', false],
  ['nats-server: v2.10.0', '2.10.0', true],
  ['nats-server: v2.15.1', '2.15.1', true],
  ['nats-server: v2.12.0-RC.1', '2.12.0', true],
  ['nats-server: v3.0.0', '3.0.0', true],
  ['nats-server: (devel)', 'of unknown version', false],
])('reads %j as %s', (text, shown, enough) => {
  const version = parseNatsVersion(text)
  expect(versionText(version)).toBe(shown)
  expect(isNewEnough(version)).toBe(enough)
})
