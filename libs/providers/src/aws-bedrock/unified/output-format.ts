import type { OutputConfig } from '@aws-sdk/client-bedrock-runtime'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { writtenText } from '../../wire/json-source.ts'

/**
 * Structured output, which some models have; it always keeps to the schema, as OpenAI's does with `strict`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
export function toOutputConfig({ response_format: format }: ChatRequest): OutputConfig | Refusal | undefined {
  switch (format?.type) {
    case 'json_schema': {
      const { name, description, schema } = format.json_schema
      const text = writtenText(schema)
      if (text === undefined) return refuse('response_format.json_schema.schema', 'The schema is nested too deeply.')
      const jsonSchema = { name, ...(description === undefined ? {} : { description }), schema: text }
      return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
    }
    case 'json_object':
      return refuse(
        'response_format.type',
        'AWS Bedrock has no JSON mode without a schema: use the type "json_schema" with a schema of what is wanted.',
      )
    default:
      return undefined
  }
}
