import { parseObject } from '../core/json.ts'
import { jsonResponse } from '../core/responses.ts'
import type { ProviderRequest, ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { invalidRequest } from './errors.ts'

/** A model that the simulated OpenAI offers. */
interface Model {
  readonly id: string
  /** The dated version, which responses name in place of the alias. */
  readonly snapshot: string
  /** Unix seconds. */
  readonly createdAtS: number
  readonly kind: ModelKind
  /** Reasoning models refuse `max_tokens`. */
  readonly reasoning: boolean
  /** Length of its embeddings. */
  readonly dimensions?: number
}

type ModelKind = 'chat' | 'completion' | 'embedding'

/** Finds a model by its alias or its snapshot. */
function findModel(id: string): Model | undefined {
  return BY_NAME.get(id)
}

const chat = { kind: 'chat', reasoning: false } as const
const reasoning = { kind: 'chat', reasoning: true } as const
const completion = { kind: 'completion', reasoning: false } as const
const embedding = { kind: 'embedding', reasoning: false } as const

/** A selection of each kind from https://platform.openai.com/docs/models. */
const MODELS: readonly Model[] = [
  { id: 'gpt-4o', snapshot: 'gpt-4o-2024-08-06', createdAtS: 1_715_367_049, ...chat },
  { id: 'gpt-4o-mini', snapshot: 'gpt-4o-mini-2024-07-18', createdAtS: 1_721_172_741, ...chat },
  { id: 'gpt-4.1', snapshot: 'gpt-4.1-2025-04-14', createdAtS: 1_744_316_542, ...chat },
  { id: 'gpt-4.1-mini', snapshot: 'gpt-4.1-mini-2025-04-14', createdAtS: 1_744_318_173, ...chat },
  { id: 'gpt-4.1-nano', snapshot: 'gpt-4.1-nano-2025-04-14', createdAtS: 1_744_321_707, ...chat },
  { id: 'gpt-5', snapshot: 'gpt-5-2025-08-07', createdAtS: 1_754_425_777, ...reasoning },
  { id: 'gpt-5-mini', snapshot: 'gpt-5-mini-2025-08-07', createdAtS: 1_754_425_928, ...reasoning },
  { id: 'gpt-5-nano', snapshot: 'gpt-5-nano-2025-08-07', createdAtS: 1_754_426_384, ...reasoning },
  { id: 'babbage-002', snapshot: 'babbage:2023-07-21-v2', createdAtS: 1_692_634_615, ...completion },
  {
    id: 'gpt-3.5-turbo-instruct',
    snapshot: 'gpt-3.5-turbo-instruct:20230824-v2',
    createdAtS: 1_692_901_427,
    ...completion,
  },
  {
    id: 'text-embedding-3-small',
    snapshot: 'text-embedding-3-small',
    createdAtS: 1_705_948_997,
    dimensions: 1536,
    ...embedding,
  },
  {
    id: 'text-embedding-3-large',
    snapshot: 'text-embedding-3-large',
    createdAtS: 1_705_953_180,
    dimensions: 3072,
    ...embedding,
  },
]

const BY_NAME = new Map(MODELS.flatMap((model) => [[model.id, model] as const, [model.snapshot, model] as const]))

/** https://platform.openai.com/docs/api-reference/models/list */
export const listModels: ProviderRoute = {
  method: 'GET',
  path: '/v1/models',
  handle: () => ({ respond: () => jsonResponse({ object: 'list', data: MODELS.map(describe) }) }),
}

/** https://platform.openai.com/docs/api-reference/models/retrieve */
export const retrieveModel: ProviderRoute = {
  method: 'GET',
  path: '/v1/models/:model',
  handle({ params }) {
    const model = findModel(params.model ?? '')
    return model === undefined
      ? invalidRequest(404, `The model '${params.model}' does not exist`, 'model', 'model_not_found')
      : { respond: () => jsonResponse(describe(model)) }
  },
}

function describe(model: Model) {
  return { id: model.id, object: 'model', created: model.createdAtS, owned_by: 'system' }
}

/** A request whose body is a JSON object that names a model of the right kind. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
}

/** Defines a route under `/v1` that uses a model, and checks first what all such routes have in common. */
export function modelRoute(
  path: string,
  kind: ModelKind,
  handle: (request: ModelRequest) => RouteResult,
): ProviderRoute {
  return {
    method: 'POST',
    path,
    handle(request) {
      const json = parseObject(request.body)
      if (json === undefined) return invalidRequest(400, NOT_JSON)
      if (typeof json.model !== 'string' || json.model === '') {
        return invalidRequest(400, 'you must provide a model parameter')
      }
      const model = findModel(json.model)
      if (model === undefined) return unknownModel(json.model)
      if (model.kind !== kind) return invalidRequest(403, `You are not allowed to ${VERB[kind]} from this model`)
      return handle({ ...request, json, model })
    },
  }
}

const VERB = { chat: 'sample', completion: 'sample', embedding: 'generate embeddings' } as const

const NOT_JSON =
  "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library " +
  'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble ' +
  'figuring out how to fix this, please contact us through our help center at help.openai.com.)'

function unknownModel(id: string): RouteResult {
  return invalidRequest(
    404,
    `The model \`${id}\` does not exist or you do not have access to it.`,
    undefined,
    'model_not_found',
  )
}
