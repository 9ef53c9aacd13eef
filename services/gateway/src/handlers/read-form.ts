import { IncomingMessage } from 'node:http'
import { foldedName } from '@sluice/providers'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import type { Call } from './call.ts'

/** A body that is no JSON by its type, and was read to be looked into before it goes on. */
export interface ReadForm {
  /** As it came. */
  readonly bytes: Buffer
  /** Of a form that was read for its model; empty where it does not name exactly one, or cannot be read. */
  readonly model?: string
  /** What it is all the same: servers need not go by its type. */
  readonly json?: Readonly<Record<string, unknown>> | undefined
  /** As much of it as a model may read as text. */
  readonly textBytes?: number
}

/**
 * Whether the body is to be read before it goes on: a form, where only certain models are allowed and it may name one; anything, where
 * tokens are limited and it may be the prompt of an operation that is not known.
 */
export function isFormToRead(call: Call, body: unknown): body is IncomingMessage {
  if (!(body instanceof IncomingMessage)) return false
  const { connection, operation } = call
  if (connection.settings.allowedModels === undefined) {
    return operation.unlisted === true && connection.smallestTokenLimit !== undefined
  }
  return (operation.usesModel || operation.runsModel === 'named') && FORM_TYPE.test(typeOf(body))
}

/** Reads such a body. `too-large`: it has more than `maxBytes`; `left`: who sent it went away. */
export async function readForm(body: IncomingMessage, maxBytes: number): Promise<ReadForm | 'too-large' | 'left'> {
  const bytes = await allOf(body, maxBytes)
  if (typeof bytes === 'string') return bytes
  const json = beginsAsObject(bytes) ? parseJsonObject(bytes) : undefined
  const type = typeOf(body)
  if (json === undefined && FORM_TYPE.test(type)) return readFields(bytes, type)
  return { bytes, json, textBytes: json === undefined && MEDIA_TYPE.test(type) ? 0 : bytes.length }
}

/** With one boundary, about which no two readers can differ. */
const FORM_TYPE = /^multipart\/form-data; ?boundary=(?:"[^"\\]+"|[^\s";,]+)$/i
/** Their length does not tell what they cost a model. */
const MEDIA_TYPE = /^(?:audio|image|video)\//i

function typeOf({ headers }: IncomingMessage): string {
  return headers['content-type'] ?? ''
}

function allOf(body: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'left'> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let bytes = 0
    // What still comes of one that is too large is read and dropped, so that the connection can serve again.
    body.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes <= maxBytes) pieces.push(piece)
      else resolve('too-large')
    })
    body.once('end', () => resolve(Buffer.concat(pieces)))
    body.once('close', () => resolve('left'))
  })
}

/** What cannot be read names no model, and is refused for that, or counted as a whole. */
async function readFields(bytes: Buffer, type: string): Promise<ReadForm> {
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData().catch(() => undefined)
  if (form === undefined) return { bytes, model: '', textBytes: bytes.length }
  const fields = [...form]
  const texts = fields.map(([, value]) => (typeof value === 'string' ? Buffer.byteLength(value) : 0))
  return { bytes, model: modelIn(fields), textBytes: texts.reduce((sum, textBytes) => sum + textBytes, 0) }
}

function modelIn(fields: readonly (readonly [string, unknown])[]): string {
  const [[name, model] = [], ...others] = fields.filter(([name]) => NAMES.has(foldedName(name)))
  return name === 'model' && typeof model === 'string' && others.length === 0 ? model : ''
}

/** Of a field that a server may take for the one that names the model, or more of them. */
const NAMES: ReadonlySet<string> = new Set(['model', 'models'])

function beginsAsObject(bytes: Buffer): boolean {
  return bytes[bytes.findIndex((byte) => !WHITE_SPACE.has(byte))] === OPEN_BRACE
}

const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPEN_BRACE = 0x7b
