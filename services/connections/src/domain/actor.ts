import { storableText } from '@sluice/contracts'

/** Who makes a change, for the audit log: `operator:<token's name>`, `bus:<name the system gives itself>`, `command`. */
export type Actor = string

export function operatorActor(tokenName: string): Actor {
  return `operator:${tokenName}`
}

export function busActor(name = 'unnamed'): Actor {
  return `bus:${storableText(name, name.length)}`
}
