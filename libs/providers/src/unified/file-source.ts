import type { Refusal } from '../unified-api.ts'
import type { FilePart } from './chat-request.ts'
import { type InlineData, readBareBase64, readDataUrl } from './data-url.ts'
import { refuse } from './refusal.ts'

/** A file in the request itself, or at an https URL. */
export type FileSource = InlineFile | { readonly url: string }

export interface InlineFile {
  readonly mediaType: string
  readonly base64: string
}

/**
 * Where a `file` has its content, and of which type that is: what its first bytes show, else what its label says, else what its name ends
 * with.
 * @param path the part's
 * @param provider its name, as people read it
 */
export function fileSource(
  { file: { file_data: data, file_id: id, filename = '' } }: FilePart,
  path: string,
  provider: string,
): FileSource | Refusal {
  const param = `${path}.file.file_data`
  if (data === undefined) {
    return id === undefined
      ? refuse(param, 'A file needs its content: a data URL, such as "data:application/pdf;base64,…".')
      : refuse(`${path}.file.file_id`, `${provider} has none of OpenAI's files: send the content as "file.file_data".`)
  }
  if (/^https:/i.test(data)) {
    return URL.canParse(data) ? { url: data } : refuse(param, 'The URL of the file is malformed.')
  }
  const inline = readDataUrl(data) ?? readBareBase64(data)
  if (inline === undefined) {
    return refuse(param, 'A file must be a data URL, such as "data:application/pdf;base64,…".')
  }
  const mediaType = typeOf(inline, filename)
  if (mediaType !== undefined) return { mediaType, base64: inline.base64 }
  return refuse(
    param,
    'The type of the file is not known: send a data URL that says it, or a "filename" that shows it.',
  )
}

/** SVG is text, which the label describes better. */
function typeOf({ sniffed, label }: InlineData, filename: string): string | undefined {
  if (sniffed !== undefined && sniffed !== 'image/svg+xml') return sniffed
  if (!GENERIC_LABELS.has(label)) return label
  const [, extension = ''] = /\.([a-z0-9]{1,8})$/i.exec(filename) ?? []
  return EXTENSIONS.get(extension.toLowerCase()) ?? sniffed
}

const GENERIC_LABELS: ReadonlySet<string> = new Set([
  '',
  'application/octet-stream',
  'binary/octet-stream',
  'application/zip',
  'application/x-zip-compressed',
])

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['log', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['htm', 'text/html'],
  ['xml', 'text/xml'],
  ['json', 'application/json'],
  ['yaml', 'application/yaml'],
  ['yml', 'application/yaml'],
  ['doc', 'application/msword'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xls', 'application/vnd.ms-excel'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
])

/** Whether a file of this type is text that people read. */
export function isText(mediaType: string): boolean {
  return mediaType.startsWith('text/') || TEXT_APPLICATION.test(mediaType)
}

const TEXT_APPLICATION =
  /^application\/(?:[a-z0-9.-]+\+)?(?:json|xml|x?html|(?:x-)?yaml|toml|(?:x-)?javascript|(?:x-)?python|(?:x-)?sh|sql|x-ndjson|jsonl?)$/

/** The text of a file; undefined where it is not in UTF-8. */
export function decodedText(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}
