import type { DocumentBlockParam, ImageBlockParam } from '@anthropic-ai/sdk/resources/messages'
import type { FilePart } from '../../unified/chat-request.ts'
import { decodedText, fileSource, isText } from '../../unified/file-source.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { isBlank } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { inlineImage } from './image-block.ts'

/**
 * A file as Anthropic takes it: PDFs, which it also fetches from URLs, and text; an image is one, whatever part it comes in.
 * @param path the part's
 * @see https://platform.claude.com/docs/en/build-with-claude/pdf-support
 */
export function toDocumentBlock(part: FilePart, path: string): DocumentBlockParam | ImageBlockParam | Refusal {
  const source = fileSource(part, path, 'Anthropic')
  if (isRefusal(source)) return source
  const { filename = '' } = part.file
  const title = isBlank(filename) ? {} : { title: filename.slice(0, MAX_TITLE_CHARS) }
  if ('url' in source) return { type: 'document', source: { type: 'url', url: source.url }, ...title }
  const { mediaType, base64 } = source
  if (mediaType === 'application/pdf') {
    return { type: 'document', source: { type: 'base64', media_type: mediaType, data: base64 }, ...title }
  }
  if (isText(mediaType)) {
    const data = decodedText(base64)
    if (data === undefined) return refuse(`${path}.file.file_data`, 'The text of the file is not in UTF-8.')
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...title }
  }
  return (
    inlineImage(source) ??
    refuse(`${path}.file.file_data`, `Anthropic takes PDFs, text and images as files; this one is ${mediaType}.`)
  )
}

const MAX_TITLE_CHARS = 500
