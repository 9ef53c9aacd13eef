import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'
import { foldedName, memberWatch } from './ambiguous-member.ts'

/** A model that cannot be told: no list of models allows it. */
export const UNREPORTED_MODEL = ''

/** The models that a member names: a text, a list of texts, or of objects with `model`. */
export function modelsIn(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [value]
  return Array.isArray(value)
    ? value.map((one: unknown) => (typeof one === 'string' ? one : namedModel(one)))
    : [UNREPORTED_MODEL]
}

/** Models that tools of the provider's own run, such as one that makes images. */
export function toolModels(tools: unknown): string[] {
  return Array.isArray(tools) ? tools.flatMap((tool: unknown) => (isRecord(tool) ? modelsIn(tool.model) : [])) : []
}

/**
 * All models that a request of which nothing is known may name, at any depth of its body, and in its path. It cannot be told of one
 * that names none at its top or in its path: what stands deeper may be one among others.
 */
export function unlistedModels({ path, runsModel }: Operation, body: unknown): string[] {
  const inPath = pathModels(path)
  if (runsModel === 'untold' || (namedModel(body) === '' && inPath.length === 0)) return [UNREPORTED_MODEL]
  return [...inPath, ...nestedModels(body)]
}

/** By what an unlisted request may name its models. */
export const UNLISTED_MEMBERS = memberWatch(
  [
    'model',
    'models',
    'model_id',
    'modelId',
    'model_name',
    'modelName',
    'base_model',
    'baseModel',
    'fallbacks',
    'fallback_models',
    'engine',
    'deployment',
    'deployment_id',
    'deploymentId',
  ],
  true,
)

function nestedModels(body: unknown): string[] {
  const models: string[] = []
  // No recursion: the depth is the caller's to choose.
  const left: unknown[] = [body]
  while (left.length > 0) {
    const value = left.pop()
    if (Array.isArray(value)) for (const element of value) left.push(element)
    else if (isRecord(value)) {
      for (const name in value) {
        const member = value[name]
        if (UNLISTED_MEMBERS.spellings.has(name)) models.push(...textsIn(member))
        if (typeof member === 'object') left.push(member)
      }
    }
  }
  return models
}

function textsIn(member: unknown): string[] {
  return (Array.isArray(member) ? member : [member]).filter((one) => typeof one === 'string')
}

/** The `model` of a JSON body; empty where it names none. */
export function namedModel(body: unknown): string {
  return isRecord(body) && typeof body.model === 'string' ? body.model : ''
}

/**
 * The models that a path may name, as `/engines/MODEL/completions`, `/deployments/MODEL/…` and `/models/MODEL:generate` do, with
 * escapes resolved. Never throws.
 */
export function pathModels(path: string): string[] {
  const segments = path.split('/').map(decoded)
  return segments.flatMap((segment, i) => {
    const model = segments[i + 1]
    if (!model || !HOLDERS.has(segment.toLowerCase())) return []
    return [i + 2 === segments.length ? withoutAction(model) : model]
  })
}

const HOLDERS: ReadonlySet<string> = new Set(['deployments', 'engines', 'model', 'models'])

function withoutAction(model: string): string {
  const colon = model.lastIndexOf(':')
  return colon <= 0 ? model : model.slice(0, colon)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // It is no name that could be allowed, and stays what it is.
    return segment
  }
}

/** The models that a query names, as `?model=` or `?deployment=` does with some servers. Never throws. */
export function queryModels(query: string): string[] {
  if (query === '') return []
  // Older servers part parameters by semicolons, too.
  const parameters = [...new URLSearchParams(query.replaceAll(';', '&'))]
  return parameters.flatMap(([name, value]) => (UNLISTED_MEMBERS.bits.has(foldedName(name)) ? [value] : []))
}
