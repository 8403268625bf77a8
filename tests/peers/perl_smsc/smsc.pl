#!/usr/bin/perl
# A small SMSC on Net::SMPP, for one bind_transceiver. It tests the link at once, answers every submit_sm
# and sends a receipt for it: delivered, as text; of recipients that end in 901 undeliverable, as TLVs.
# It prints its port, then what it hears, a line each.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34)
    or die "cannot listen: $!";
print $listener->sockport, "\n";
my $esme = $listener->accept or die "cannot accept: $!";
my $number = 0;

sub receipt {
    my ($id, $recipient) = @_;
    return (receipted_message_id => "$id\0", message_state => chr(5), short_message => '')
        if $recipient =~ /901$/;
    my $text = "id:$id sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD"
        . ' err:000 text:';
    return (short_message => $text);
}

while (my $pdu = $esme->read_pdu) {
    my ($command, $seq) = ($pdu->{cmd}, $pdu->{seq});
    if ($command == Net::SMPP::CMD_bind_transceiver) {
        $esme->bind_transceiver_resp(system_id => 'perl', seq => $seq, status => 0);
        print join(' ', 'bind', $pdu->{system_id}, $pdu->{password}, $pdu->{system_type}), "\n";
        $esme->enquire_link(async => 1);
    } elsif ($command == Net::SMPP::CMD_submit_sm) {
        my $id = sprintf('%08X', ++$number);
        $esme->submit_sm_resp(message_id => $id, seq => $seq, status => 0);
        print join(' ', 'submit', $pdu->{source_addr}, $pdu->{destination_addr},
            $pdu->{esm_class}, $pdu->{data_coding}, $pdu->{validity_period},
            unpack('H*', $pdu->{short_message})), "\n";
        $esme->deliver_sm(
            async            => 1,
            source_addr      => $pdu->{destination_addr},
            source_addr_ton  => 1,
            destination_addr => $pdu->{source_addr},
            esm_class        => 4,
            receipt($id, $pdu->{destination_addr}),
        );
    } elsif ($command == Net::SMPP::CMD_deliver_sm_resp) {
        print "acknowledged $pdu->{status}\n";
    } elsif ($command == Net::SMPP::CMD_enquire_link) {
        $esme->enquire_link_resp(seq => $seq, status => 0);
    } elsif ($command == Net::SMPP::CMD_enquire_link_resp) {
        print "alive\n";
    } elsif ($command == Net::SMPP::CMD_unbind) {
        $esme->unbind_resp(seq => $seq, status => 0);
        print "unbind\n";
        last;
    }
}
