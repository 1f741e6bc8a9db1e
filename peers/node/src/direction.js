/** One direction of attestation in a session: what its attester owes and what its relying party has said. */
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

const { flag } = ids.hello;

export class Direction {
  epoch = 0;
  /** A request or an ATT without its verdict. */
  outstanding = false;
  /** When the verdict ends, seconds since 1970; undefined before the first. */
  until;

  /**
   * @param {Map} relyingParty HELLO of who demands
   * @param {Map} attester HELLO of who answers
   */
  constructor(relyingParty, attester) {
    const key = ids.hello;
    this.required = (relyingParty.get(key.flags) & flag.attest) !== 0;
    this.waived = this.required && (attester.get(key.flags) & flag.waiver) !== 0;
    this.attests = this.required && !this.waived;
    this.offered = attester.get(key.offered);
    this.nonce = relyingParty.get(key.nonce);
    this.choose(relyingParty.get(key.accepted));
  }

  /** The evidence types that both sides allow: its attester uses the first, and its own first where there is none (ATT-04). */
  choose(accepted) {
    this.types = accepted.filter((type) => this.offered.includes(type));
  }

  /** The tier that a good verdict of this direction has (SES-07). */
  get tier() {
    if (this.attests) return ids.tier.affirming;
    return this.waived ? ids.tier.waived : ids.tier.not_required;
  }

  /** Takes an ATT_REQ at its attester (SES-14, SES-24). */
  request(body) {
    ensure(this.attests && !this.outstanding, 'unexpected_frame', 'ATT_REQ that is not due');
    ensure(body.get(1) === this.epoch + 1, 'stale', 'epoch of ATT_REQ (SES-14)');
    if (body.has(3)) this.choose(body.get(3));
    this.epoch += 1;
    this.nonce = body.get(2);
    this.outstanding = true;
  }

  /** Takes a VERDICT at its attester (SES-08 to SES-11). Returns whether it allows data. */
  judge(body, now) {
    const [tier, epoch, validFor] = [body.get(1), body.get(3), body.get(4)];
    const { affirming, warning, contraindicated } = ids.tier;
    const fitting = this.attests ? [affirming, warning, contraindicated] : [this.tier];
    ensure(fitting.includes(tier), 'unexpected_frame', 'tier does not fit (SES-09)');
    ensure(epoch === this.epoch, 'stale', 'epoch of VERDICT (SES-10)');
    ensure(validFor > 0, 'decode_error', 'valid_for is zero (SES-11)');
    this.outstanding = false;
    if (tier !== this.tier) return false;
    this.until = now + validFor;
    return true;
  }
}
