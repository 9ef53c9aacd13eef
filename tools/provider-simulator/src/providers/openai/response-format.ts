import { isRecord } from '../../core/is-record.ts'
import type { Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'

/**
 * The JSON schema that a `response_format` demands of the text, any object for the JSON mode; undefined where the text is free.
 * @see https://platform.openai.com/docs/guides/structured-outputs
 */
export function schemaOfFormat(format: unknown): unknown {
  if (!isRecord(format)) return undefined
  if (format.type === 'json_object') return { type: 'object' }
  return format.type === 'json_schema' && isRecord(format.json_schema) ? format.json_schema.schema : undefined
}

/**
 * The same of the Responses API, where the format stands in `text` and has the schema in itself.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export function schemaOfTextFormat(text: unknown): unknown {
  const format = isRecord(text) ? text.format : undefined
  if (!isRecord(format)) return undefined
  if (format.type === 'json_object') return { type: 'object' }
  return format.type === 'json_schema' ? format.schema : undefined
}

/** The 400 for a format whose schema is not there, or undefined if it is fine. */
export function invalidFormat(format: unknown): Reply | undefined {
  if (!isRecord(format) || format.type !== 'json_schema') return undefined
  if (!isRecord(format.json_schema)) return missing('response_format.json_schema')
  if (typeof format.json_schema.name !== 'string') return missing('response_format.json_schema.name')
  return undefined
}

function missing(name: string): Reply {
  return invalidRequest(400, `Missing required parameter: '${name}'.`, name, 'missing_required_parameter')
}
