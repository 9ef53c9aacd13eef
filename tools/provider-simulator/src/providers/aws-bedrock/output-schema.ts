import { isRecord } from '../../core/is-record.ts'
import { parseObject } from '../../wire/parse-object.ts'
import type { Model } from './model-catalogue.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The JSON schema that the text is to fit, as Converse has it or as the Messages API of Anthropic's models does; undefined where it is free.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function outputSchema(json: Json): unknown {
  const text = memberAt(json, ['outputConfig', 'textFormat', 'structure', 'jsonSchema', 'schema'])
  if (typeof text === 'string') return parseObject(text)
  return memberAt(json, [...MODEL_FIELD, 'format', 'schema'])
}

/** What is wrong with the output that a request asks for; undefined if nothing is. */
export function outputSchemaProblem(json: Json, { kind, hasNoOutputFormat }: Model): string | undefined {
  if (kind !== 'anthropic' && memberAt(json, MODEL_FIELD) !== undefined) {
    return 'Malformed input request: #: extraneous key [output_config] is not permitted, please reformat your input and try again.'
  }
  if (json.outputConfig === undefined) return undefined
  if (kind !== 'anthropic') {
    return "This model doesn't support the outputConfig field. Remove outputConfig and try again."
  }
  if (hasNoOutputFormat) {
    return 'The model returned the following errors: output_config.format: Extra inputs are not permitted'
  }
  return outputSchema(json) === undefined
    ? 'The schema in outputConfig.textFormat.structure.jsonSchema is not a valid JSON schema.'
    : undefined
}

/** Where a request has what Anthropic's own API calls `output_config`. */
const MODEL_FIELD = ['additionalModelRequestFields', 'output_config'] as const

function memberAt(json: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), json)
}
