/** A model that the simulated Groq offers. */
export interface Model {
  readonly id: string
  /** Unix seconds. */
  readonly createdAtS: number
  readonly ownedBy: string
  readonly contextTokens: number
  readonly maxOutputTokens: number
  /** The values of `reasoning_effort` that it takes: none if it does not reason. */
  readonly efforts: readonly string[]
}

export function findModel(id: string): Model | undefined {
  return MODELS.find((model) => model.id === id)
}

const EFFORTS = ['low', 'medium', 'high']

/** A choice of https://console.groq.com/docs/models. */
export const MODELS: readonly Model[] = [
  model('llama-3.3-70b-versatile', 1_733_447_754, 'Meta', 131_072, 32_768),
  model('llama-3.1-8b-instant', 1_693_721_698, 'Meta', 131_072, 131_072),
  model('openai/gpt-oss-120b', 1_754_408_224, 'OpenAI', 131_072, 65_536, EFFORTS),
  model('openai/gpt-oss-20b', 1_754_407_957, 'OpenAI', 131_072, 65_536, EFFORTS),
  model('qwen/qwen3-32b', 1_748_396_646, 'Alibaba Cloud', 131_072, 40_960, ['none', 'default']),
]

function model(
  id: string,
  createdAtS: number,
  ownedBy: string,
  contextTokens: number,
  maxOutputTokens: number,
  efforts: readonly string[] = [],
): Model {
  return { id, createdAtS, ownedBy, contextTokens, maxOutputTokens, efforts }
}
