import type { Refusal } from '../unified-api.ts'
import type { FilePart } from './chat-request.ts'
import { type InlineData, readBareBase64, readDataUrl } from './data-url.ts'
import { isRefusal, refuse } from './refusal.ts'

/** A file inside the request, or at an https URL. */
export type FileSource = InlineFile | { readonly url: string }

export interface InlineFile {
  readonly mediaType: string
  readonly base64: string
}

/**
 * Returns the content and media type of a `file` part. The type comes from the first bytes, else the data URL's label,
 * else the file name's extension.
 * @param path the part's
 * @param provider its display name
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
      : refuse(
          `${path}.file.file_id`,
          `${provider} cannot read files stored at OpenAI: send the content in "file.file_data".`,
        )
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
    'The file type is unknown: send a data URL with a media type, or a "filename" with an extension.',
  )
}

/**
 * Returns the content and media type of a `file` part, for a provider that does not fetch files. Parameters as of
 * {@link fileSource}.
 */
export function inlineFile(part: FilePart, path: string, provider: string): InlineFile | Refusal {
  const source = fileSource(part, path, provider)
  if (isRefusal(source) || !('url' in source)) return source
  return refuse(`${path}.file.file_data`, `${provider} accepts a file as a data URL only, not at a URL.`)
}

/**
 * Two kinds of files are better described by label or name than by their first bytes: SVG, which is text, and
 * containers that hold either audio or video.
 */
function typeOf({ sniffed, label }: InlineData, filename: string): string | undefined {
  const stated = GENERIC_LABELS.has(label) ? typeOfName(filename) : label
  if (sniffed === undefined || sniffed === 'image/svg+xml') return stated ?? sniffed
  return isRecording(sniffed) && stated !== undefined && isRecording(stated) ? stated : sniffed
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
  // Source code, and other text for which providers have no media type.
  ...'tsv text rst adoc org tex ini cfg conf env properties toml jsonl ndjson diff patch ts tsx jsx py rb go rs java kt kts swift c h cc cpp c++ hpp cs fs php pl lua r jl scala clj ex exs erl hs ml dart sql sh bash zsh ps1 bat vue svelte scss less gradle tf proto graphql srt vtt ics'
    .split(' ')
    .map((ending): [string, string] => [ending, 'text/plain']),
])

/** Returns whether files of this type are human-readable text. */
export function isText(mediaType: string): boolean {
  return mediaType.startsWith('text/') || TEXT_APPLICATION.test(mediaType)
}

const TEXT_APPLICATION =
  /^application\/(?:[a-z0-9.-]+\+)?(?:json|xml|x?html|(?:x-)?yaml|toml|(?:x-)?javascript|(?:x-)?python|(?:x-)?sh|sql|x-ndjson|jsonl?)$/

/** Decodes a file's text; undefined where it is not UTF-8. */
export function decodedText(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}
