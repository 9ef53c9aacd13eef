import { storableText } from '@sluice/contracts'
import { visibleText } from './visible-text.ts'

/** Who makes a change or is refused one, for the audit log. */
export interface Actor {
  /**
   * `operator:<token's name>`, `session:<name of the token it was begun with>`, `bus:<name the system gives itself>`,
   * `address:<IP>` for whoever could not say who it is, `command`, `start`.
   */
  readonly label: string
  /** Of an operator and a session. Names of tokens are not unique. */
  readonly tokenId?: string
}

export function busActor(name = 'unnamed'): Actor {
  return { label: `bus:${visibleText(storableText(name, name.length))}` }
}

export function addressActor(address: string): Actor {
  return { label: `address:${address}` }
}

export const COMMAND: Actor = { label: 'command' }
export const START: Actor = { label: 'start' }
