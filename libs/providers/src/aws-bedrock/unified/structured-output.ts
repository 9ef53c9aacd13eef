import { isClaudeBefore } from '../../claude/generation.ts'
import type { StructuredOutput } from '../../unified/json-tool.ts'
import { type FoundationModel, foundationModel } from './model.ts'

/**
 * How a model of Bedrock's answers by a schema. Of Claude, only those from 4.5 to 4.6 have a field in Converse: AWS refuses it for every
 * later one so far. The list is of others that have none; all that are not in it are taken for newer, or say so themselves.
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
  // A name without a generation may be of the newest, which have none.
  return !isClaudeBefore(name, 405) && isClaudeBefore(name, 407) ? 'field' : 'named-tool'
}

const WITHOUT_FIELD: readonly { readonly maker: string; readonly name: RegExp; readonly output: StructuredOutput }[] = [
  { maker: 'amazon', name: /^nova-(?:(?:micro|lite|pro|premier|sonic)-v1|2-)/, output: 'named-tool' },
  { maker: 'amazon', name: /^titan-/, output: 'none' },
  { maker: 'meta', name: /^llama(?:2|3)-(?!\d-)/, output: 'none' },
  { maker: 'meta', name: /^llama3-2-[13]b/, output: 'none' },
  { maker: 'meta', name: /^llama[34]/, output: 'offered-tool' },
  { maker: 'mistral', name: /^(?:mistral-large-2[45]|mistral-small-24|pixtral-large-25)/, output: 'any-tool' },
  { maker: 'mistral', name: /^(?:mistral-7b|mixtral)/, output: 'none' },
  { maker: 'cohere', name: /^command-r/, output: 'offered-tool' },
  { maker: 'cohere', name: /^command-/, output: 'none' },
  { maker: 'ai21', name: /^jamba-instruct/, output: 'none' },
  { maker: 'ai21', name: /^jamba-1/, output: 'offered-tool' },
  { maker: 'writer', name: /^palmyra-/, output: 'offered-tool' },
  { maker: 'deepseek', name: /^r1/, output: 'none' },
]
