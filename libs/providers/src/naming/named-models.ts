import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'
import { foldedName, memberWatch } from './ambiguous-member.ts'

/** Stands for a model that cannot be determined: no list of allowed models contains it. */
export const UNREPORTED_MODEL = ''

/** Returns the models that a member names: a text, a list of texts, or of objects with `model`. */
export function modelsIn(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [value]
  return Array.isArray(value)
    ? value.map((item: unknown) => (typeof item === 'string' ? item : namedModel(item)))
    : [UNREPORTED_MODEL]
}

/** Returns the models that the provider's own tools run, such as image generation. */
export function toolModels(tools: unknown): string[] {
  return Array.isArray(tools) ? tools.flatMap((tool: unknown) => (isRecord(tool) ? modelsIn(tool.model) : [])) : []
}

/**
 * Returns every model that an unknown request may name, at any depth of its body and in its path. Where neither the top
 * of the body nor the path names one, the model counts as unknown: names further inside may not be the only ones.
 */
export function unlistedModels({ path, runsModel }: Operation, body: unknown): string[] {
  const inPath = pathModels(path)
  if (runsModel === 'unknown' || (namedModel(body) === '' && inPath.length === 0)) return [UNREPORTED_MODEL]
  return [...inPath, ...nestedModels(body)]
}

/** The members in which an unlisted request may name its models. */
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
  // No recursion, because the caller decides the depth.
  const remaining: unknown[] = [body]
  while (remaining.length > 0) {
    const value = remaining.pop()
    if (Array.isArray(value)) for (const element of value) remaining.push(element)
    else if (isRecord(value)) {
      for (const name in value) {
        const member = value[name]
        if (UNLISTED_MEMBERS.spellings.has(name)) models.push(...textsIn(member))
        if (typeof member === 'object') remaining.push(member)
      }
    }
  }
  return models
}

function textsIn(member: unknown): string[] {
  return (Array.isArray(member) ? member : [member]).filter((item) => typeof item === 'string')
}

/** Returns the `model` of a JSON body; empty where it names none. */
export function namedModel(body: unknown): string {
  return isRecord(body) && typeof body.model === 'string' ? body.model : ''
}

/**
 * Returns the models that a path may name, as `/engines/MODEL/completions`, `/deployments/MODEL/…` and
 * `/models/MODEL:generate` do, with escapes resolved. Never throws.
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
    // No list of allowed models contains a malformed name.
    return segment
  }
}

/** Returns the models that a query names, as `?model=` or `?deployment=` does with some servers. Never throws. */
export function queryModels(query: string): string[] {
  if (query === '') return []
  // Older servers accept semicolons between parameters, too.
  const parameters = [...new URLSearchParams(query.replaceAll(';', '&'))]
  return parameters.flatMap(([name, value]) => (UNLISTED_MEMBERS.bits.has(foldedName(name)) ? [value] : []))
}
