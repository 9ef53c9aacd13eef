import type { InferenceConfiguration } from '@aws-sdk/client-bedrock-runtime'
import { toSampling } from '../../claude/sampling.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { statedMaximum } from '../../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { foundationModel } from './model.ts'

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
