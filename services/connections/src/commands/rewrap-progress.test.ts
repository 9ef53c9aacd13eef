import { expect, it } from 'vitest'
import { progressPrinter } from './rewrap-progress.ts'

it.each([
  [
    false,
    '1 of 9 data keys rewrapped, 0 failed\n3 of 9 data keys rewrapped, 0 failed\n9 of 9 data keys rewrapped, 0 failed\n',
  ],
  [
    true,
    '\r1 of 9 data keys rewrapped, 0 failed\r3 of 9 data keys rewrapped, 0 failed\r9 of 9 data keys rewrapped, 0 failed\n',
  ],
])('writes now and then, and the last line for certain (terminal: %s)', (isTTY, text) => {
  let written = ''
  let nowMs = 0
  const write = (chunk: string | Uint8Array) => {
    written += chunk
    return true
  }
  const printer = progressPrinter({ isTTY, write }, () => nowMs)
  const show = (rewrapped: number) => printer.show({ rewrapped, failures: [], total: 9 })
  show(1)
  nowMs = 249
  show(2)
  nowMs = 250
  show(3)
  printer.end({ rewrapped: 9, failures: [], total: 9 })
  expect(written).toBe(text)
})
