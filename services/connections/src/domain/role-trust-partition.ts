/** One of AWS's separate worlds: an account, its roles and what they trust are all of one. */
export interface Partition {
  /** As in an ARN. */
  readonly id: string
  readonly consoleHost: string
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return { id: 'aws-cn', consoleHost: 'console.amazonaws.cn' }
  if (region.startsWith('us-gov-')) return { id: 'aws-us-gov', consoleHost: 'console.amazonaws-us-gov.com' }
  return { id: 'aws', consoleHost: 'console.aws.amazon.com' }
}
