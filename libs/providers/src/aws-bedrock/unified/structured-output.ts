import { isClaudeBefore } from '../../claude/generation.ts'
import type { StructuredOutput } from '../../unified/json-tool.ts'
import { type FoundationModel, foundationModel } from './model.ts'

/**
 * How a model of Bedrock's answers by a schema. The list is of those that have no field for it: all others are taken for newer, or say so
 * themselves.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html on the models that have it
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html on those that can be made to call a tool
 */
export function structuredOutputOf(id: string): StructuredOutput {
  const model = foundationModel(id)
  if (model === undefined) return 'field'
  if (model.maker === 'anthropic') return claudeOutput(model)
  return WITHOUT_FIELD.find(({ maker, name }) => maker === model.maker && name.test(model.name))?.output ?? 'field'
}

function claudeOutput({ name }: FoundationModel): StructuredOutput {
  if (isClaudeBefore(name, 300)) return 'none'
  return isClaudeBefore(name, 405) ? 'named-tool' : 'field'
}

const WITHOUT_FIELD: readonly { readonly maker: string; readonly name: RegExp; readonly output: StructuredOutput }[] = [
  { maker: 'amazon', name: /^nova-(?:(?:micro|lite|pro|premier|sonic)-v1|2-)/, output: 'named-tool' },
  { maker: 'amazon', name: /^titan-/, output: 'none' },
  { maker: 'meta', name: /^llama(?:2|3)-(?!\d-)/, output: 'none' },
  { maker: 'meta', name: /^llama[34]/, output: 'offered-tool' },
  { maker: 'mistral', name: /^(?:mistral-large-2[45]|mistral-small-24|pixtral-large-25)/, output: 'any-tool' },
  { maker: 'mistral', name: /^(?:mistral-7b|mixtral)/, output: 'none' },
  { maker: 'cohere', name: /^command-r/, output: 'offered-tool' },
  { maker: 'cohere', name: /^command-/, output: 'none' },
  { maker: 'ai21', name: /^jamba-1/, output: 'offered-tool' },
  { maker: 'deepseek', name: /^r1/, output: 'none' },
]
