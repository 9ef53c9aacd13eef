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

/**
 * SVG is text, which the label describes better; and containers of audio and video are the same for either, so that a label or a name that
 * says one of these types knows more than the first bytes.
 */
function typeOf({ sniffed, label }: InlineData, filename: string): string | undefined {
  const said = GENERIC_LABELS.has(label) ? typeOfName(filename) : label
  if (sniffed === undefined || sniffed === 'image/svg+xml') return said ?? sniffed
  return isRecording(sniffed) && said !== undefined && isRecording(said) ? said : sniffed
}

function typeOfName(filename: string): string | undefined {
  const [, extension = ''] = /\.([a-z0-9+]{1,8})$/i.exec(filename) ?? []
  return EXTENSIONS.get(extension.toLowerCase())
}

function isRecording(mediaType: string): boolean {
  return mediaType.startsWith('audio/') || mediaType.startsWith('video/')
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
  ['css', 'text/css'],
  ['rtf', 'text/rtf'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
  ['cjs', 'text/javascript'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mpeg'],
  ['m4a', 'audio/mp4'],
  ['aac', 'audio/aac'],
  ['aif', 'audio/aiff'],
  ['aiff', 'audio/aiff'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['oga', 'audio/ogg'],
  ['opus', 'audio/ogg'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
  ['mkv', 'video/x-matroska'],
  ['avi', 'video/x-msvideo'],
  ['mpg', 'video/mpeg'],
  ['mpeg', 'video/mpeg'],
  ['wmv', 'video/x-ms-wmv'],
  ['flv', 'video/x-flv'],
  ['3gp', 'video/3gpp'],
  // Code, and what else is text without a type that a provider knows.
  ...'tsv text rst adoc org tex ini cfg conf env properties toml jsonl ndjson diff patch ts tsx jsx py rb go rs java kt kts swift c h cc cpp c++ hpp cs fs php pl lua r jl scala clj ex exs erl hs ml dart sql sh bash zsh ps1 bat vue svelte scss less gradle tf proto graphql srt vtt ics'
    .split(' ')
    .map((ending): [string, string] => [ending, 'text/plain']),
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
