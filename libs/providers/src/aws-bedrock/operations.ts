import type { Operation } from '../provider-adapter.ts'
import { correctedPath, decodedPath, type PathLayout } from '../wire/request-path.ts'

export type BedrockKind = 'converse' | 'converse-stream' | 'invoke' | 'invoke-stream' | 'count-tokens'

/**
 * What a call of the Bedrock runtime does. The path names the model, by its id or by the ARN of a model or an inference profile,
 * whose slashes and colons the SDKs escape.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
 */
export function bedrockOperation(method: string, given: string): Operation | undefined {
  const path = correctedPath(given, LAYOUT)
  const [, model, action = ''] = MODEL_PATH.exec(decodedPath(path) ?? '') ?? []
  const kind = ACTIONS.get(action)
  if (method !== 'POST' || model === undefined || kind === undefined) return undefined
  return { kind, usesModel: true, body: 'json', ...(UNTYPED.has(kind) ? { untypedIsJson: true } : {}), path, model }
}

/** No version: slashes alone can be too many. */
const LAYOUT: PathLayout = { root: '', resources: new Set(['model']) }

/**
 * The content type of these has a default, application/json, for which SDKs such as boto3 send none.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
 */
const UNTYPED: ReadonlySet<BedrockKind> = new Set(['invoke', 'invoke-stream'])

const MODEL_PATH = /^\/model\/(.+)\/([^/]+)$/

const ACTIONS: ReadonlyMap<string, BedrockKind> = new Map([
  ['converse', 'converse'],
  ['converse-stream', 'converse-stream'],
  ['invoke', 'invoke'],
  ['invoke-with-response-stream', 'invoke-stream'],
  ['count-tokens', 'count-tokens'],
])
