import type { JSONOutputFormat } from '@anthropic-ai/sdk/resources/messages'
import { describedSchema } from '../../unified/caller-schema.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'

/** The SDK's type, but for the schema, which goes on as the caller wrote it. */
export type OutputFormat = Omit<JSONOutputFormat, 'schema'> & { readonly schema: object }

/**
 * Structured outputs, which need no beta header as `output_config.format`. They always keep to the schema, as OpenAI's do with
 * `strict`; the schema's name has no place there.
 * @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function toOutputFormat({ response_format: format }: ChatRequest): OutputFormat | Refusal | undefined {
  switch (format?.type) {
    case 'json_schema': {
      const { schema, description } = format.json_schema
      return { type: 'json_schema', schema: describedSchema(schema, description) }
    }
    case 'json_object':
      return refuse(
        'response_format.type',
        'Anthropic has no JSON mode without a schema: use the type "json_schema" with a schema of what is wanted.',
      )
    default:
      return undefined
  }
}
