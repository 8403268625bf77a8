#!/usr/bin/perl
# A small SMSC on Net::SMPP: takes one bind_transceiver, answers submits, and sends a receipt for each.
# Prints its port, then a line for every submit_sm: id, destination, data_coding, the text in hex.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34)
    or die "cannot listen: $!";
print "listening on ", $listener->sockport, "\n";
my $esme = $listener->accept or die "cannot accept: $!";
my $number = 0;
while (my $pdu = $esme->read_pdu) {
    my $seq = $pdu->{seq};
    if ($pdu->{cmd} == Net::SMPP::CMD_bind_transceiver) {
        $esme->bind_transceiver_resp(system_id => 'perl', seq => $seq, status => 0);
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_submit_sm) {
        my $id = sprintf('%08X', ++$number);
        $esme->submit_sm_resp(message_id => $id, seq => $seq, status => 0);
        print join(' ', $id, $pdu->{destination_addr}, $pdu->{data_coding},
            unpack('H*', $pdu->{short_message})), "\n";
        $esme->deliver_sm(
            async            => 1,
            source_addr      => $pdu->{destination_addr},
            source_addr_ton  => 1,
            destination_addr => $pdu->{source_addr},
            esm_class        => 4,
            short_message    => "id:$id sub:001 dlvrd:001 submit date:2603011200 "
                . 'done date:2603011201 stat:DELIVRD err:000 text:',
        );
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_deliver_sm_resp) {
        print "acknowledged\n";
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_enquire_link) {
        $esme->enquire_link_resp(seq => $seq, status => 0);
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_unbind) {
        $esme->unbind_resp(seq => $seq, status => 0);
        print "unbound\n";
        last;
    }
}
