import { openai } from './openai/provider.ts'
import type { SimulatedProvider } from './simulated-provider.ts'

/** Every provider that can be simulated, by its id. */
export const providers = { openai } as const satisfies Record<string, SimulatedProvider>

export type ProviderId = keyof typeof providers
