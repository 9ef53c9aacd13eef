import { refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'

/** The model's name as Google's paths have it; refused where it would not be one path to one model. */
export function resourceName(model: string): string | Refusal {
  if (!MODEL_NAME.test(model)) return refuse('model', `Google has no model named ${JSON.stringify(model)}.`)
  return model.startsWith(TUNED) ? model : `models/${model}`
}

const TUNED = 'tunedModels/'
const MODEL_NAME = /^(?:tunedModels\/)?[A-Za-z0-9._-]{1,128}$/

export interface Generation {
  readonly major: number
  readonly minor: number
}

/** Of a model whose name tells it, as `gemini-2.5-flash`; undefined of others, as `gemini-flash-latest`. */
export function generationOf(model: string): Generation | undefined {
  const [, major, minor = 0] = /^gemini-(\d{1,3})(?:\.(\d{1,3}))?(?:-|$)/.exec(model) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}
