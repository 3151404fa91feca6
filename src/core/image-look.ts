import type { TagPolicy } from './tag-policy.ts';

/** What a registry is asked about an image. */
export interface ImageQuestion {
  /** As the compose file has it; not by digest. */
  readonly reference: string;
  /** The image that runs under it; undefined where none does: then it is the one this host has under the reference. */
  readonly id: string | undefined;
  readonly tags: TagPolicy;
  /** Younger images wait. */
  readonly minimumAgeHours: number;
  /**
   * What failed on this host, as `name:tag` and digest: another tag that means it is passed over. Where it is the same
   * tag, it is answered as ever, and who asked holds it.
   */
  readonly refused?: readonly { readonly reference: string; readonly digest: string }[];
}

/** Why a registry gave no answer. */
export type FailureKind = 'unreachable' | 'denied' | 'absent' | 'rate limited' | 'bad answer';

/** What the registry has for the platform of this host. */
export interface Found {
  readonly tag: string;
  /** What the tag means there: that of the index, where there is one. */
  readonly digest: string;
  /** That of this platform's instance; the same where there is no index. */
  readonly platformDigest: string;
  /** `registry.example/team/app:1.2@sha256:…`: what pulls just this. */
  readonly pinned: string;
  /** When it was made, ISO 8601; undefined where it was not asked, or does not say. */
  readonly created: string | undefined;
}

/** What came of one question. A look that failed never reads as `same`. */
export type ImageAnswer =
  /** What runs is what the policy allows at most. */
  | {
      readonly verdict: 'same';
      readonly tag: string;
      readonly digest: string;
      /** What is worth saying of it. */
      readonly note: string | undefined;
    }
  /** Another image for this platform. */
  | ({ readonly verdict: 'moved' } & Found)
  /** The same, and too young. */
  | ({
      readonly verdict: 'waiting';
      /** ISO 8601. */
      readonly until: string;
      readonly why: string;
    } & Found)
  /** No registry gave this host what it has under the reference: it was built or loaded here, and is not asked for. */
  | {
      readonly verdict: 'local';
      /** Who says so, where a registry was asked. */
      readonly why?: string;
    }
  | {
      readonly verdict: 'failed';
      readonly kind: FailureKind;
      readonly detail: string;
      /** What to type, or to mend. */
      readonly next: string;
      /** When the registry may be asked again, ISO 8601; undefined: with the next look. */
      readonly notBefore: string | undefined;
    };

/** A question with its answer. */
export interface Looked {
  readonly question: ImageQuestion;
  readonly answer: ImageAnswer;
  /** The digests of a registry that the image here has; the ID of one that has none. */
  readonly here: readonly string[];
}

/** What a registry said of its limit. */
export interface RegistryUse {
  readonly registry: string;
  /** Requests of this look. */
  readonly requests: number;
  /** How many pulls or requests it still allows; undefined where it does not say. */
  readonly remaining: number | undefined;
}

/** One look at the registries. */
export interface Look {
  /** In the order of the questions. */
  readonly images: readonly Looked[];
  readonly registries: readonly RegistryUse[];
}
