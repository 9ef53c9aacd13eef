import type { DataPlane } from '../ports/data-plane.ts'
import type { Call } from './call.ts'

/** A form that was read to be looked into before it goes on. */
export interface ReadForm {
  /** As it came. */
  readonly body: Buffer
  /** Empty where the form does not name exactly one, or cannot be read. */
  readonly model: string
}

/** Whether the body is a form to be read for its model before it goes on: only certain ones are allowed, and it may name one. */
export function isFormToRead({ connection, operation }: Call, contentType: string): boolean {
  if (connection.settings.allowedModels === undefined) return false
  return (operation.usesModel || operation.runsModel === 'named') && FORM_TYPE.test(contentType)
}

/** Reads such a form, which must not be used any more. */
export async function readForm(
  { documents }: DataPlane,
  { apiKey }: Call,
  body: Buffer,
  type: string,
): Promise<ReadForm> {
  return documents.read('formModel', { body, type }, { owner: apiKey.id, estimatedNs: body.length * BYTE_NS })
}

/** With one boundary, about which no two readers can differ. */
const FORM_TYPE = /^multipart\/form-data; ?boundary=(?:"[^"\\]+"|[^\s";,]+)$/i
/** Of a form that is made of empty fields. */
const BYTE_NS = 50
