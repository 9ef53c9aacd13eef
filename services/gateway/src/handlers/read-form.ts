import type { IncomingMessage } from 'node:http'
import type { Call } from './call.ts'
import { isUpload } from './upload-body.ts'

/** A form that was read to be looked into before it goes on. */
export interface ReadForm {
  /** As it came. */
  readonly bytes: Buffer
  /** Empty where the form does not name exactly one, or cannot be read. */
  readonly model: string
}

/** Whether the body is a form to be read for its model before it goes on: only certain ones are allowed, and it may name one. */
export function isFormToRead({ connection, operation }: Call, body: unknown): body is IncomingMessage {
  if (!isUpload(body) || connection.settings.allowedModels === undefined) return false
  return (operation.usesModel || operation.runsModel === 'named') && FORM_TYPE.test(typeOf(body))
}

/** Reads such a form. `too-large`: it has more than `maxBytes`; `left`: who sent it went away. */
export async function readForm(body: IncomingMessage, maxBytes: number): Promise<ReadForm | 'too-large' | 'left'> {
  const bytes = await allOf(body, maxBytes)
  return typeof bytes === 'string' ? bytes : { bytes, model: await modelIn(bytes, typeOf(body)) }
}

/** With one boundary, about which no two readers can differ. */
const FORM_TYPE = /^multipart\/form-data; ?boundary=(?:"[^"\\]+"|[^\s";,]+)$/i

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

async function modelIn(form: Buffer, type: string): Promise<string> {
  // What cannot be read names no model, and is refused for that.
  const fields = await new Response(form, { headers: { 'content-type': type } }).formData().catch(() => undefined)
  const [model, ...others] = fields?.getAll('model') ?? []
  return typeof model === 'string' && others.length === 0 ? model : ''
}
