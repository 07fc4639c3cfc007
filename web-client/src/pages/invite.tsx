import { LinkBox, linkTo, QrCode } from "../parts/link_box";
import { Heading, Page } from "../parts/page";
import type { Invitation, Partner } from "../protocol";
import { invite } from "../words";

export function InvitePage({ invitation, forget }: { invitation: Invitation; forget: () => void }) {
  return (
    <Page title={invite.title}>
      <section class="screen">
        <Heading>{invite.title}</Heading>
        <PartnerLink invitation={invitation} to="b" />
        {onlyHere() && <p class="soft">{invite.onlyHere}</p>}
        <p class="row">
          <a class="button main" href={`/join#${invitation.links.a}`}>
            {invite.go}
          </a>
          <button class="button quiet" onClick={forget}>
            {invite.again}
          </button>
        </p>
        <details class="fold">
          <summary>{invite.observer}</summary>
          <p>{invite.observerLead}</p>
          <LinkBox url={linkTo("watch", invitation.links.observer)} label={invite.observerLink} />
        </details>
      </section>
    </Page>
  );
}

const onlyHere = (): boolean => /^(localhost|127\.|\[::1\])/.test(location.hostname);

export function PartnerLink({ invitation, to }: { invitation: Invitation; to: Partner }) {
  const url = linkTo("join", invitation.links[to]);
  return (
    <div class="partner-link">
      <QrCode url={url} />
      <div>
        <p>{invite.lead}</p>
        <LinkBox url={url} label={invite.link} />
      </div>
    </div>
  );
}
