/** Multipart forms: the model that a form names, and how much of it is text. */
import { foldedName, UNREPORTED_MODEL } from '@sluice/providers'

/** Returns whether a content type is that of a form, with a single boundary that every reader understands alike. */
export function isForm(contentType: string): boolean {
  return FORM_TYPE.test(contentType)
}

/**
 * Reads a form; undefined if `contentType` is not that of a form. A form that cannot be read, or whose model is ambiguous, has the model
 * {@link UNREPORTED_MODEL}, which no connection allows; all of an unreadable form counts as text.
 */
export async function readForm(
  body: Buffer,
  contentType: string,
): Promise<{ readonly model: string; readonly textBytes: number } | undefined> {
  const type = FORM_TYPE.exec(contentType)
  const boundary = type?.[1] ?? type?.[2]
  if (boundary === undefined) return undefined
  const unreadable = { model: UNREPORTED_MODEL, textBytes: body.length }
  if (occurrences(body, `--${boundary}`, MAX_FIELDS + 1) > MAX_FIELDS) return unreadable
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData().catch(() => undefined)
  if (form === undefined) return unreadable
  const fields = [...form]
  const textLengths = fields.map(([, value]) => (typeof value === 'string' ? Buffer.byteLength(value) : 0))
  return { model: modelIn(fields), textBytes: textLengths.reduce((sum, length) => sum + length, 0) }
}

const FORM_TYPE = /^multipart\/form-data; ?boundary=(?:"([^"\\]+)"|([^\s";,]+))$/i

function modelIn(fields: readonly (readonly [string, unknown])[]): string {
  const [[name, model] = [], ...others] = fields.filter(([name]) => MODEL_FIELDS.has(foldedName(name)))
  return name === 'model' && typeof model === 'string' && others.length === 0 ? model : UNREPORTED_MODEL
}

/** Fields from which a server may take the model. */
const MODEL_FIELDS: ReadonlySet<string> = new Set(['model', 'models'])
const MAX_FIELDS = 1_000

/** Returns how often `text` occurs in `body`, counting up to `most`. */
function occurrences(body: Buffer, text: string, most: number): number {
  let count = 0
  for (let at = body.indexOf(text); at >= 0 && count < most; at = body.indexOf(text, at + text.length)) count++
  return count
}
