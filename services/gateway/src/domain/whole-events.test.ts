import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WholeEvents } from './whole-events.ts'

const MIB = 1024 * 1024

it('passes every byte, and after each push ends with an event, however the stream is cut', () => {
  const part = fc.constantFrom('data: x', '\n', '\r\n', '\n\n', '\r\n\r\n', '\r', ': ping')
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat({ max: 9 })), (parts, sizes) => {
      const stream = Buffer.from(parts.join(''))
      const events = new WholeEvents()
      let passed = ''
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0)
        const piece = events.push(stream.subarray(at, at + size)).toString()
        if (piece !== '') expect(piece).toMatch(/\n\r?\n$|^\r?\n$/)
        passed += piece
        at += size
      }
      // Nothing that is whole is kept waiting: what is left has no end in it.
      const rest = events.end().toString()
      expect(rest.replace(/^(\r?\n)+/, '')).not.toMatch(/\n\r?\n/)
      expect(passed + rest).toBe(stream.toString())
    }),
  )
})

it('passes a chunk that ends with an event as it is', () => {
  const chunk = Buffer.from('data: a\n\ndata: b\r\n\r\n')
  expect(new WholeEvents().push(chunk)).toBe(chunk)
})

it('does not keep what no event is as long as', () => {
  const events = new WholeEvents()
  expect(events.push(Buffer.alloc(MIB, 'x'))).toHaveLength(0)
  expect(events.push(Buffer.from('y'))).toHaveLength(MIB + 1)
})
