import type { ConverseRequest, InferenceConfiguration, OutputConfig } from '@aws-sdk/client-bedrock-runtime'
import { isClaudeBefore, refuseReasoningJson, toSampling } from '../claude/parameters.ts'
import type { ChatRequest } from '../unified/chat-request.ts'
import { InlineImages } from '../unified/images.ts'
import { type StructuredOutput, type WithJsonTool, withJsonTool } from '../unified/json-tool.ts'
import { jsonCall, requestedChat } from '../unified/native-call.ts'
import { type ChatAbilities, readChatRequest, statedMaximum } from '../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { keepSchemas } from '../unified/tools.ts'
import type { Refusal, Translation, UnifiedRequest } from '../unified-api.ts'
import { writtenText } from '../wire/json-source.ts'
import { toConversation } from './conversation.ts'
import { type FoundationModel, foundationModel, modelPath } from './models.ts'
import { toReasoningFields } from './reasoning.ts'
import { toTooling } from './tools.ts'
import type { ToolConfig } from './wire-types.ts'

/** A chat completion as a call of Converse. @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
export function toConverseCall(request: UnifiedRequest): Translation {
  keepSchemas(request)
  const chat = readChatRequest(request.body, ABILITIES)
  if (isRefusal(chat)) return chat
  const path = modelPath(request.model, chat.stream === true ? 'converse-stream' : 'converse')
  if (typeof path !== 'string') return path
  const structured = withJsonTool(chat, request.model, structuredOutputOf(request.model))
  if (isRefusal(structured)) return structured
  const isClaude = foundationModel(request.model)?.maker === 'anthropic'
  const conflict = isClaude ? refuseReasoningJson(chat, structured, request.model) : undefined
  if (conflict !== undefined) return conflict
  const images = new InlineImages(request.images)
  const content = toContent(structured, request, images)
  if (isRefusal(content)) return content
  if (images.missing.size > 0) return { status: 'images-needed', urls: [...images.missing] }
  return jsonCall({ path, body: content, requested: requestedChat(request, chat, structured.jsonTool) })
}

const ABILITIES: ChatAbilities = {
  provider: 'AWS Bedrock',
  parameters: new Set(['metadata', 'parallel_tool_calls', 'reasoning_effort', 'response_format', 'user']),
  parts: ['file'],
}

/** The path has the model. */
type Content = Omit<ConverseRequest, 'modelId' | 'messages' | 'toolConfig' | 'additionalModelRequestFields'> & {
  readonly messages: readonly object[]
  readonly toolConfig?: ToolConfig
  readonly additionalModelRequestFields?: object
}

function toContent({ chat, jsonTool }: WithJsonTool, request: UnifiedRequest, images: InlineImages): Content | Refusal {
  const conversation = toConversation(chat.messages, images, request.model)
  if (isRefusal(conversation)) return conversation
  const tooling = toTooling(chat, { model: request.model, hasToolUse: conversation.hasToolUse, jsonTool })
  if (isRefusal(tooling)) return tooling
  const reasoning = toReasoningFields(chat, request)
  if (isRefusal(reasoning)) return reasoning
  const inferenceConfig = toInferenceConfig(chat, request.model, reasoning.maxTokens)
  if (isRefusal(inferenceConfig)) return inferenceConfig
  const outputConfig = toOutputConfig(chat)
  if (outputConfig !== undefined && isRefusal(outputConfig)) return outputConfig
  const requestMetadata = toRequestMetadata(chat)
  if (isRefusal(requestMetadata)) return requestMetadata
  const additionalModelRequestFields = { ...tooling.fields, ...reasoning.fields }
  return {
    messages: conversation.messages,
    ...(conversation.system.length === 0 ? {} : { system: [...conversation.system] }),
    ...(isEmpty(inferenceConfig) ? {} : { inferenceConfig }),
    ...(tooling.toolConfig === undefined ? {} : { toolConfig: tooling.toolConfig }),
    ...(outputConfig === undefined ? {} : { outputConfig }),
    ...(isEmpty(requestMetadata) ? {} : { requestMetadata }),
    ...(isEmpty(additionalModelRequestFields) ? {} : { additionalModelRequestFields }),
  }
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}

/**
 * The output maximum, the stop sequences and the sampling. Without a maximum, models answer as long as they can.
 * @param demandedMaximum the maximum where the caller states none, and one must be stated
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html
 */
export function toInferenceConfig(
  chat: ChatRequest,
  model: string,
  demandedMaximum: number | undefined,
): InferenceConfiguration | Refusal {
  const { temperature, top_p: topP, stop = [] } = samplingOf(chat, model)
  if (temperature !== undefined && temperature > 1) {
    return refuse('temperature', 'AWS Bedrock takes a temperature from 0 to 1.')
  }
  const maxTokens = statedMaximum(chat) ?? demandedMaximum
  const stopSequences = typeof stop === 'string' ? [stop] : stop
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(stopSequences.length === 0 ? {} : { stopSequences }),
  }
}

/** Anthropic's newer models refuse even the sampling that they do anyway. */
function samplingOf(chat: ChatRequest, model: string): Pick<ChatRequest, 'temperature' | 'top_p' | 'stop'> {
  if (foundationModel(model)?.maker !== 'anthropic') return chat
  const { temperature, top_p, ...others } = chat
  const sampling = toSampling(chat)
  return isRefusal(sampling) ? chat : { ...others, ...sampling }
}

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

/**
 * `metadata`, and `user` as one more of its members: what the logs of invocations can be filtered by.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `requestMetadata`
 */
export function toRequestMetadata({ user, metadata = {} }: ChatRequest): Record<string, string> | Refusal {
  if (user !== undefined && Object.hasOwn(metadata, 'user')) {
    return refuse('metadata.user', 'AWS Bedrock knows the parameter "user" as this member: there cannot be both.')
  }
  if (user !== undefined && !VALUE.test(user)) return refuseText('user')
  for (const [key, value] of Object.entries(metadata)) {
    if (!KEY.test(key)) return refuseText('metadata')
    if (!VALUE.test(value)) return refuseText(`metadata.${key}`)
  }
  const members = { ...metadata, ...(user === undefined ? {} : { user }) }
  return Object.keys(members).length <= MAX_MEMBERS
    ? members
    : refuse('metadata', `AWS Bedrock takes ${MAX_MEMBERS} members, of which "user" is one.`)
}

const KEY = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/
const VALUE = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/
const MAX_MEMBERS = 16

function refuseText(param: string): Refusal {
  return refuse(param, 'AWS Bedrock takes up to 256 letters, digits, spaces and ":_@$#=/+,-." as keys and values.')
}
