import { isRecord } from '../../core/is-record.ts'
import { parseObject } from '../../wire/parse-object.ts'
import type { Model } from './model-catalogue.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The JSON schema that the text is to fit; undefined where it is free.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function outputSchema(json: Json): unknown {
  const text = schemaText(json)
  return typeof text === 'string' ? parseObject(text) : undefined
}

/** What is wrong with the output that a request asks for; undefined if nothing is. */
export function outputSchemaProblem(json: Json, { kind }: Model): string | undefined {
  if (json.outputConfig === undefined) return undefined
  if (kind !== 'anthropic') {
    return "This model doesn't support the outputConfig field. Remove outputConfig and try again."
  }
  return outputSchema(json) === undefined
    ? 'The schema in outputConfig.textFormat.structure.jsonSchema is not a valid JSON schema.'
    : undefined
}

/** JSON as text, which is how the API takes it. */
function schemaText({ outputConfig }: Json): unknown {
  return ['textFormat', 'structure', 'jsonSchema', 'schema'].reduce<unknown>(
    (at, name) => (isRecord(at) ? at[name] : undefined),
    outputConfig,
  )
}
