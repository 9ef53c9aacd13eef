import type { DocumentFormat } from '@aws-sdk/client-bedrock-runtime'
import type { FilePart } from '../../unified/chat-request.ts'
import { fileSource, isText } from '../../unified/file-source.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { inlineImage } from './image-block.ts'
import type { DocumentBlock, ImageBlock } from './wire-types.ts'

/**
 * A file as Bedrock takes it; an image is one, whatever part it comes in. Its name is made up: Bedrock takes few characters, each name once,
 * and warns that the model may read a name as an instruction.
 * @param path the part's
 * @param nextNumber gives the numbers of the request's documents
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
 */
export function toDocumentBlock(
  part: FilePart,
  path: string,
  nextNumber: () => number,
): DocumentBlock | ImageBlock | Refusal {
  const source = fileSource(part, path, 'AWS Bedrock')
  if (isRefusal(source)) return source
  const param = `${path}.file.file_data`
  if ('url' in source) return refuse(param, 'AWS Bedrock takes a file as a data URL only, not at a URL.')
  const { mediaType, base64 } = source
  const image = inlineImage(source)
  if (image !== undefined) return image
  const format = FORMATS.get(mediaType) ?? (isText(mediaType) ? 'txt' : undefined)
  if (format !== undefined) {
    return { document: { format, name: `document ${nextNumber()}`, source: { bytes: base64 } } }
  }
  const formats = [...FORMATS.values()].join(', ')
  return refuse(param, `AWS Bedrock takes files of the formats ${formats}, and images; this one is ${mediaType}.`)
}

const FORMATS: ReadonlyMap<string, DocumentFormat> = new Map([
  ['application/pdf', 'pdf'],
  ['text/csv', 'csv'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['text/html', 'html'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
])
