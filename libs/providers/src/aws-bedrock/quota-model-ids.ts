/**
 * The id of the model that Service Quotas calls so, such as `Anthropic Claude 3.5 Sonnet V2`; undefined unless it is certain. AWS
 * writes the same name with `V1` at its end and without.
 */
export function quotaModelId(name: string): string | undefined {
  const key = name.toLowerCase().replaceAll(/\s+/g, ' ').trim()
  return MODEL_IDS.get(key) ?? MODEL_IDS.get(key.replace(/ v1$/, ''))
}

/**
 * The names that quotas have (https://docs.aws.amazon.com/general/latest/gr/bedrock.html#limits_bedrock) and the ids of the models
 * that have these names (https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html).
 */
const MODEL_IDS: ReadonlyMap<string, string> = new Map([
  ['amazon nova micro', 'amazon.nova-micro-v1:0'],
  ['amazon nova lite', 'amazon.nova-lite-v1:0'],
  ['amazon nova pro', 'amazon.nova-pro-v1:0'],
  ['amazon nova premier', 'amazon.nova-premier-v1:0'],
  ['amazon nova 2 lite', 'amazon.nova-2-lite-v1:0'],
  ['amazon titan text embeddings', 'amazon.titan-embed-text-v1'],
  ['amazon titan text embeddings v2', 'amazon.titan-embed-text-v2:0'],
  ['amazon titan multimodal embeddings g1', 'amazon.titan-embed-image-v1'],
  ['anthropic claude 3 haiku', 'anthropic.claude-3-haiku-20240307-v1:0'],
  ['anthropic claude 3 sonnet', 'anthropic.claude-3-sonnet-20240229-v1:0'],
  ['anthropic claude 3 opus', 'anthropic.claude-3-opus-20240229-v1:0'],
  ['anthropic claude 3.5 haiku', 'anthropic.claude-3-5-haiku-20241022-v1:0'],
  ['anthropic claude 3.5 sonnet', 'anthropic.claude-3-5-sonnet-20240620-v1:0'],
  ['anthropic claude 3.5 sonnet v2', 'anthropic.claude-3-5-sonnet-20241022-v2:0'],
  ['anthropic claude 3.7 sonnet', 'anthropic.claude-3-7-sonnet-20250219-v1:0'],
  ['anthropic claude sonnet 4', 'anthropic.claude-sonnet-4-20250514-v1:0'],
  ['anthropic claude opus 4', 'anthropic.claude-opus-4-20250514-v1:0'],
  ['anthropic claude opus 4.1', 'anthropic.claude-opus-4-1-20250805-v1:0'],
  ['anthropic claude sonnet 4.5', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['anthropic claude haiku 4.5', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
  ['anthropic claude opus 4.5', 'anthropic.claude-opus-4-5-20251101-v1:0'],
  ['anthropic claude opus 4.6', 'anthropic.claude-opus-4-6-v1'],
  ['anthropic claude sonnet 4.6', 'anthropic.claude-sonnet-4-6'],
  ['anthropic claude opus 4.7', 'anthropic.claude-opus-4-7'],
  ['cohere command r', 'cohere.command-r-v1:0'],
  ['cohere command r plus', 'cohere.command-r-plus-v1:0'],
  ['cohere embed english', 'cohere.embed-english-v3'],
  ['cohere embed multilingual', 'cohere.embed-multilingual-v3'],
  ['cohere embed v4', 'cohere.embed-v4:0'],
  ['deepseek r1', 'deepseek.r1-v1:0'],
  ['meta llama 3.1 8b instruct', 'meta.llama3-1-8b-instruct-v1:0'],
  ['meta llama 3.1 70b instruct', 'meta.llama3-1-70b-instruct-v1:0'],
  ['meta llama 3.1 405b instruct', 'meta.llama3-1-405b-instruct-v1:0'],
  ['meta llama 3.2 1b instruct', 'meta.llama3-2-1b-instruct-v1:0'],
  ['meta llama 3.2 3b instruct', 'meta.llama3-2-3b-instruct-v1:0'],
  ['meta llama 3.2 11b instruct', 'meta.llama3-2-11b-instruct-v1:0'],
  ['meta llama 3.2 90b instruct', 'meta.llama3-2-90b-instruct-v1:0'],
  ['meta llama 3.3 70b instruct', 'meta.llama3-3-70b-instruct-v1:0'],
  ['meta llama 4 maverick', 'meta.llama4-maverick-17b-instruct-v1:0'],
  ['meta llama 4 scout', 'meta.llama4-scout-17b-instruct-v1:0'],
  ['mistral pixtral large 25.02', 'mistral.pixtral-large-2502-v1:0'],
  ['openai gpt oss 20b', 'openai.gpt-oss-20b-1:0'],
  ['openai gpt oss 120b', 'openai.gpt-oss-120b-1:0'],
  ['qwen3 32b', 'qwen.qwen3-32b-v1:0'],
  ['qwen3 coder 30b a3b', 'qwen.qwen3-coder-30b-a3b-v1:0'],
  ['qwen3 235b a22b 2507', 'qwen.qwen3-235b-a22b-2507-v1:0'],
])
