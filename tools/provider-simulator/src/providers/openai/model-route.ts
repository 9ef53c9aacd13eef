import { parseObject } from '../../wire/parse-object.ts'
import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { findModel, type Model, type ModelKind } from './model-catalogue.ts'

/** A request whose body is a JSON object that names a model of the right kind. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
}

/** A route under `/v1` that does something with a model: checks what all of them have in common first. */
export function modelRoute(path: string, kind: ModelKind, handle: (request: ModelRequest) => Reply): ProviderRoute {
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

function unknownModel(id: string): Reply {
  return invalidRequest(
    404,
    `The model \`${id}\` does not exist or you do not have access to it.`,
    undefined,
    'model_not_found',
  )
}
