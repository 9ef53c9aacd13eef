import { expect, it } from 'vitest'
import { ResponsePipe } from './response-pipe.ts'
import { failureOf, isReadable, stateOfResponse } from './response-state.ts'

const EMPTY = Buffer.alloc(0)
const reader = { push: (piece: Buffer) => piece, end: () => EMPTY, usage: undefined, outputTokensSeen: 0 }

/** A pipe, with a translator where `contentType` is given. */
function pipeOf(contentType?: string, { failed = false } = {}): ResponsePipe {
  if (contentType === undefined) return new ResponsePipe({ reader, isEventStream: false })
  const translator = { contentType, failed, push: () => EMPTY, end: () => EMPTY, breakOff: () => EMPTY }
  const redactor = { push: (piece: Buffer) => piece, end: () => EMPTY }
  return new ResponsePipe({ reader, isEventStream: false, translation: { translator, redactor: redactor as never } })
}

const headOf = (status: number) => ({ status, statusMessage: '', headers: {}, receivedAtMs: 1 })

it.each([
  ['a native response is passed on at once', 200, pipeOf(), false, 'head-sent'],
  ['a native redirect is passed on at once', 302, undefined, false, 'head-sent'],
  ['a translated stream is passed on at once', 200, pipeOf('text/event-stream'), true, 'head-sent'],
  ['a translated document is held until it is whole', 200, pipeOf('application/json'), true, 'holding-body'],
  ['a translated redirect is held', 302, undefined, true, 'holding-body'],
  ['a translated response without content is held', 204, pipeOf('text/event-stream'), true, 'holding-body'],
])('%s', (_, status, pipe, isTranslated, phase) => {
  expect(stateOfResponse(headOf(status), pipe, isTranslated).phase).toBe(phase)
})

it.each([
  ['a document that is being translated', 200, pipeOf('application/json'), true],
  ['a document that cannot be translated', 200, pipeOf('application/json', { failed: true }), false],
  ['a response without content', 204, pipeOf('application/json'), false],
  ['a redirect', 302, undefined, false],
])('a held body can still become a response: %s', (_, status, pipe, expected) => {
  expect(isReadable({ phase: 'holding-body', head: headOf(status), pipe })).toBe(expected)
})

it.each([
  [undefined, 429, { kind: 'unreadable' }],
  [{ message: 'm', code: null }, undefined, { kind: 'charged' }],
  [{ message: 'm', code: null }, 500, { kind: 'charged' }],
  [{ message: 'm', code: null }, 429, { kind: 'error', status: 429 }],
])('a body that turned out to be %j with status %j ends as %j', (failure, errorStatus, expected) => {
  expect(failureOf({ failure, reader: { ...reader, errorStatus } } as never)).toEqual(expected)
})
