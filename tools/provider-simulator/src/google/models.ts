import { parseObject } from '../core/json.ts'
import type { ProviderRequest, ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { type ProtoMessage, prettyResponse, protoMessage } from './proto-json.ts'

/** The first segment of paths: https://ai.google.dev/gemini-api/docs/api-versions. */
const API_VERSIONS = ['v1beta', 'v1'] as const

/** A model that the simulated Google offers. */
export interface Model {
  readonly id: string
  readonly displayName: string
  readonly version: string
  readonly inputTokenLimit: number
  readonly outputTokenLimit: number
  /** The methods that can be called, after the colon of the path. */
  readonly methods: readonly string[]
  /** The parameter that says how much to think; absent if the model does not think. */
  readonly thinking?: 'thinkingLevel' | 'thinkingBudget'
  /** Length of its embeddings; absent if it makes none. */
  readonly dimensions?: number
}

/** Finds a model by its id, without the prefix `models/`. */
function findModel(id: string): Model | undefined {
  return MODELS.find((model) => model.id === id)
}

const generation = {
  inputTokenLimit: 1_048_576,
  methods: ['generateContent', 'streamGenerateContent', 'countTokens'],
} as const
const embedding = { outputTokenLimit: 1, methods: ['embedContent', 'batchEmbedContents', 'countTokens'] } as const

/** A selection of each kind from https://ai.google.dev/gemini-api/docs/models. */
const MODELS: readonly Model[] = [
  {
    id: 'gemini-3-pro-preview',
    displayName: 'Gemini 3 Pro Preview',
    version: '3',
    outputTokenLimit: 65_536,
    thinking: 'thinkingLevel',
    ...generation,
  },
  {
    id: 'gemini-2.5-pro',
    displayName: 'Gemini 2.5 Pro',
    version: '2.5',
    outputTokenLimit: 65_536,
    thinking: 'thinkingBudget',
    ...generation,
  },
  {
    id: 'gemini-2.5-flash',
    displayName: 'Gemini 2.5 Flash',
    version: '001',
    outputTokenLimit: 65_536,
    thinking: 'thinkingBudget',
    ...generation,
  },
  { id: 'gemini-2.0-flash', displayName: 'Gemini 2.0 Flash', version: '2.0', outputTokenLimit: 8192, ...generation },
  {
    id: 'gemini-embedding-001',
    displayName: 'Gemini Embedding 001',
    version: '001',
    inputTokenLimit: 2048,
    dimensions: 3072,
    ...embedding,
  },
]

/** The list, all on one page, and each model: https://ai.google.dev/api/models. */
export const modelRoutes: readonly ProviderRoute[] = API_VERSIONS.flatMap((version) => [
  {
    method: 'GET',
    path: `/${version}/models`,
    handle: () => ({ respond: () => prettyResponse({ models: MODELS.map(describe) }) }),
  },
  {
    method: 'GET',
    path: `/${version}/models/:model`,
    handle({ params }) {
      const model = findModel(params.model ?? '')
      return model === undefined
        ? invalidRequest(`models/${params.model} is not found for API version ${version}.`, 404)
        : { respond: () => prettyResponse(describe(model)) }
    },
  },
])

function describe({ id, version, displayName, inputTokenLimit, outputTokenLimit, methods }: Model) {
  return {
    name: `models/${id}`,
    version,
    displayName,
    inputTokenLimit,
    outputTokenLimit,
    supportedGenerationMethods: methods,
  }
}

/** A call of a method that the model has, with a JSON object as its body. */
export interface MethodRequest extends ProviderRequest {
  readonly json: ProtoMessage
  readonly model: Model
}

export type ModelMethod = (request: MethodRequest) => RouteResult

/** `POST /{version}/models/{model}:{method}`, as in https://google.aip.dev/136. */
export function methodRoutes(methods: ReadonlyMap<string, ModelMethod>): readonly ProviderRoute[] {
  return API_VERSIONS.map((version) => ({
    method: 'POST',
    path: `/${version}/models/:target`,
    handle(request) {
      const [id = '', name = ''] = (request.params.target ?? '').split(':')
      const method = methods.get(name)
      if (method === undefined) return invalidRequest(`The requested URL ${request.path} was not found.`, 404)
      const model = findModel(id)
      if (!model?.methods.includes(name)) return unsupported(id, name, version)
      const json = parseObject(request.body)
      if (json === undefined) {
        return invalidRequest('Invalid JSON payload received. Unexpected end of string. Expected a value.')
      }
      return method({ ...request, json: protoMessage(json), model })
    },
  }))
}

function unsupported(id: string, method: string, version: string): RouteResult {
  return invalidRequest(
    `models/${id} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see ` +
      'the list of available models and their supported methods.',
    404,
  )
}
