import { type ProtoMessage, protoMessage } from './proto-json.ts'

/**
 * The schema that the text is to fit, any object for JSON without one; undefined where the text is free.
 * @see https://ai.google.dev/gemini-api/docs/structured-output
 */
export function outputSchema({ generationConfig }: ProtoMessage): unknown {
  const { responseMimeType, responseJsonSchema, responseSchema } = protoMessage(generationConfig)
  if (responseMimeType !== 'application/json') return undefined
  return responseJsonSchema ?? responseSchema ?? { type: 'object' }
}

/** The API takes a schema with this type of answer alone. */
export function outputSchemaProblem({ generationConfig }: ProtoMessage): string | undefined {
  const { responseMimeType, responseJsonSchema, responseSchema } = protoMessage(generationConfig)
  if (responseJsonSchema !== undefined && responseSchema !== undefined) {
    return 'generation_config: only one of response_schema and response_json_schema may be set'
  }
  const hasSchema = responseJsonSchema !== undefined || responseSchema !== undefined
  return hasSchema && responseMimeType !== 'application/json'
    ? 'Response schema is only supported with response mime type `application/json`.'
    : undefined
}
