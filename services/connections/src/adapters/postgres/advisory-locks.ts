/** The service's advisory locks, which hold over all instances. The numbers are arbitrary, and fixed for ever. */
export const LOCKS = {
  outbox: 7_350_001,
  firstOperatorToken: 7_350_002,
} as const
